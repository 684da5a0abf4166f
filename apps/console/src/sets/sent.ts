import type { SentRequest, Trace } from './types.ts'

/** Bytes of a check by what they were for. */
export interface Bodies {
  /** Of the blinded items and the query. */
  readonly asked: number
  /** Of the answers to those. */
  readonly came: number
  /** Of evaluation keys; 0 where the server had them. */
  readonly keys: number
}

export function bodiesOf({ sent }: Trace): Bodies {
  const sum = (field: 'bytes' | 'replyBytes', requests: readonly SentRequest[]): number =>
    requests.reduce((total, request) => total + request[field], 0)
  const asking = sent.filter((request) => isBlinded(request) || isQuery(request))
  return { asked: sum('bytes', asking), came: sum('replyBytes', asking), keys: sum('bytes', sent.filter(isKeys)) }
}

export function isBlinded({ path }: SentRequest): boolean {
  return /\/oprf(?:\?|$)/.test(path)
}

export function isQuery({ path }: SentRequest): boolean {
  return /\/query(?:\?|$)/.test(path)
}

export function isKeys({ path }: SentRequest): boolean {
  return /\/keys\/[0-9a-f]+(?:\?|$)/.test(path)
}
