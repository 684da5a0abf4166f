import { useEffect, useState } from 'preact/hooks'
import { useSession } from '../session.ts'
import { apiMaybe } from './http.ts'

export type SetKind = 'passwords' | 'credentials' | 'domains' | 'bytes'

/** A set that the service lets one ask, as it describes it. */
export interface SetSummary {
  readonly name: string
  readonly kind: SetKind
  readonly epoch: number
  /** Rounded down by the service. */
  readonly items: number
  /** Bytes of a label; 0: there are none. */
  readonly labels: number
  readonly hardening: { readonly algorithm: string; readonly N?: number }
  readonly oprf: { readonly mode: string; readonly publicKey: string }
  readonly params: {
    readonly method: string
    readonly prefixBits: number
    readonly he: {
      readonly ringDegree: number
      readonly modulusBits: readonly number[]
      readonly specialBits: readonly number[]
    }
  }
}

export async function listSets(signal?: AbortSignal): Promise<readonly SetSummary[]> {
  return (await apiMaybe<{ sets: readonly SetSummary[] }>('/v2/sets', signal))?.sets ?? []
}

/** For what is shown only where there are some: none until they are known. */
export function useSets(): readonly SetSummary[] {
  const session = useSession()
  const [sets, setSets] = useState<readonly SetSummary[]>([])
  useEffect(() => {
    const abort = new AbortController()
    listSets(abort.signal).then(setSets, () => abort.signal.aborted || setSets([]))
    return () => abort.abort()
  }, [session])
  return sets
}
