import { useEffect, useState } from 'preact/hooks'
import { useSession, type Whoami } from '../session.ts'
import { api } from './http.ts'

export interface TokenInfo {
  readonly id: string
  readonly tenant: string
  readonly name: string
  readonly scopes: readonly string[]
  readonly created?: number
  readonly expires?: number | null
  readonly revoked?: number | null
}

export interface NewToken {
  readonly tenant: string
  readonly name: string
  readonly scopes: readonly string[]
  /** Seconds. */
  readonly expires_in?: number
}

export interface AuditEntry {
  readonly at: number
  readonly tenant: string
  readonly token?: string | null
  readonly action: string
  readonly object: string
  readonly outcome: string
  readonly request?: string | null
}

export const whoami = (signal?: AbortSignal): Promise<Whoami> => api('/v2/whoami', { signal })

/** Asked anew for every token; undefined until the service knows us. */
export function useWhoami(): Whoami | undefined {
  const session = useSession()
  const [who, setWho] = useState<Whoami>()
  useEffect(() => {
    const abort = new AbortController()
    whoami(abort.signal).then(setWho, () => abort.signal.aborted || setWho(undefined))
    return () => abort.abort()
  }, [session])
  return who
}

export async function listTokens(signal?: AbortSignal): Promise<readonly TokenInfo[]> {
  return (await api<{ tokens: readonly TokenInfo[] }>('/v2/tokens', { signal })).tokens
}

export const createToken = (body: NewToken): Promise<{ readonly id: string; readonly token: string }> =>
  api('/v2/tokens', { method: 'POST', body })

export const revokeToken = (id: string): Promise<void> =>
  api(`/v2/tokens/${encodeURIComponent(id)}`, { method: 'DELETE' })

export async function readAudit(limit: number, signal?: AbortSignal): Promise<readonly AuditEntry[]> {
  return (await api<{ entries: readonly AuditEntry[] }>(`/v2/audit?limit=${limit}`, { signal })).entries
}
