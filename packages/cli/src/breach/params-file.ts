import { GloveboxError } from '@glovebox/he'
import { createSetParams, readApsiParams, type SetParams, type SetParamsLiteral } from '@glovebox/psi'

/**
 * Parameters from a file: the literal of Glovebox, or APSI's JSON. What was replaced in APSI's is said on standard error.
 * @throws GloveboxError for a file that has neither.
 */
export function readParams(bytes: Uint8Array, file: string, labelBytes: number): SetParams {
  const text = new TextDecoder().decode(bytes)
  let value: { readonly params?: unknown } | null
  try {
    value = JSON.parse(text)
  } catch {
    throw new GloveboxError('malformed', `${file} is not JSON`)
  }
  try {
    // `breach plan --json` has them beside its predictions.
    const own = value?.params ?? value
    if ((own as { readonly method?: unknown } | null)?.method !== undefined) {
      const params = createSetParams(own as SetParamsLiteral)
      if (params.labelBytes === labelBytes) return params
      throw new GloveboxError(
        'parameters-mismatch',
        `they are for labels of ${params.labelBytes} bytes, the list needs ${labelBytes}`,
      )
    }
    const { literal, replaced } = readApsiParams(text, { labelBytes })
    for (const line of replaced) process.stderr.write(`${file}: ${line}\n`)
    return createSetParams(literal)
  } catch (cause) {
    if (!(cause instanceof Error)) throw cause
    throw new GloveboxError(cause instanceof GloveboxError ? cause.code : 'malformed', `${file}: ${cause.message}`, {
      cause,
    })
  }
}
