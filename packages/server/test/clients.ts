import { createHash, randomBytes } from 'node:crypto'
import { encodeFrame } from '@glovebox/he'
import { encodeInferRequest, lengthHeader } from '../../client/src/http/protocol.ts'
import { createKeys, decryptReply, encryptQuery, openModel } from '../../client/src/index.ts'
import { type Tiny, tinySamples } from '../../client/test/tiny.ts'

// Clients that use a service without rest, keep what was acknowledged, and come back when something fails.

/** What a tiny model needs of its client. */
export function createTinyClient(tiny: Tiny) {
  const model = openModel(tiny.client)
  const { evaluation, secret } = createKeys(model)
  const digest = sha256(evaluation)
  const body = (count: number) => {
    const query = encryptQuery(model, secret, tinySamples(count))
    const { body, headerLength } = encodeInferRequest('test', digest, query)
    return {
      body,
      headers: {
        'content-type': 'application/octet-stream',
        [lengthHeader]: String(headerLength),
        'glovebox-keys': digest,
      },
    }
  }
  return {
    evaluation: evaluation as Uint8Array<ArrayBuffer>,
    digest,
    /** A request of so many samples. */
    body,
    /** Throws unless the answer is right. */
    check(answer: Uint8Array, headerLength: number, count: number): void {
      const outputs = decryptReply(model, secret, answer.subarray(headerLength + 4), { count })
      for (const [i, sample] of tinySamples(count).entries())
        for (const [k, expected] of tiny.expected(sample).entries())
          if (!(Math.abs(outputs[i]![k]! - expected) < 1e-2))
            throw new Error(`sample ${i}: expected ${expected}, got ${outputs[i]![k]}`)
    },
    /** A frame that passes for keys of the model: bytes of its own, nobody can compute with it. */
    otherKeys(bytes: number): Uint8Array<ArrayBuffer> {
      return encodeFrame(
        'evaluation keys of a program',
        model.part.digest,
        randomBytes(bytes),
      ) as Uint8Array<ArrayBuffer>
    },
  }
}

export type TinyClient = ReturnType<typeof createTinyClient>

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** Not right, and no matter of trying again. */
export class Wrong extends Error {}

/** One request; undefined where it is to be tried again: no connection, or the service says that it is busy or away. */
export async function once(
  url: string,
  init: RequestInit,
  timeoutMs = 20_000,
): Promise<{ status: number; headers: Headers; body: Uint8Array } | undefined> {
  try {
    const response = await fetch(url, { ...init, signal: AbortSignal.timeout(timeoutMs) })
    const body = new Uint8Array(await response.arrayBuffer())
    if ([502, 503, 504, 429].includes(response.status)) return undefined
    return { status: response.status, headers: response.headers, body }
  } catch {
    return undefined
  }
}

/** Until it is answered. */
export async function insist(
  url: string,
  init: RequestInit,
  until: () => boolean,
): Promise<{ status: number; headers: Headers; body: Uint8Array } | undefined> {
  for (;;) {
    const answer = await once(url, init)
    if (answer) return answer
    if (until()) return undefined
    await pause(100)
  }
}

/** Uploads in parts, asking after every failure how much is there. True when it was acknowledged whole. */
export async function uploadInParts(
  url: string,
  bytes: Uint8Array<ArrayBuffer>,
  partBytes: number,
  over: () => boolean,
): Promise<boolean> {
  const address = `${url}/v2/keys/${sha256(bytes)}`
  let offset: number | undefined
  while (!over()) {
    if (offset === undefined) {
      const head = await once(address, { method: 'HEAD' })
      if (head?.status === 200) return true
      if (head?.status === 404) offset = Number(head.headers.get('upload-offset'))
      else if (head) throw new Wrong(`HEAD of keys answered ${head.status}`)
      else await pause(100)
      continue
    }
    const part = bytes.subarray(offset, offset + partBytes)
    const answer = await once(address, {
      method: 'PATCH',
      headers: {
        'upload-offset': String(offset),
        'upload-length': String(bytes.length),
        'content-type': 'application/octet-stream',
      },
      body: part,
    })
    if (answer?.status === 201 || answer?.status === 200) return true
    if (answer?.status === 204) offset = Number(answer.headers.get('upload-offset'))
    else if (answer && answer.status !== 409)
      throw new Wrong(`PATCH of keys answered ${answer.status}: ${Buffer.from(answer.body)}`)
    else offset = undefined
  }
  return false
}
