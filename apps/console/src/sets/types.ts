// What the page and its worker say to each other. No key is part of it.

/** What is asked for. */
export type Item = string | Uint8Array | { readonly user: string; readonly password: string }

export type Stage = 'harden' | 'blind' | 'oprf' | 'keygen' | 'keys' | 'query' | 'decrypt'

/** A request as it left, and how much came back. */
export interface SentRequest {
  readonly method: string
  /** With its query. */
  readonly path: string
  readonly bytes: number
  readonly replyBytes: number
  /** From its start to the last byte of the answer. */
  readonly ms: number
  /** What its body begins with. */
  readonly head: Uint8Array
}

/** Where time goes; `evaluate` (the server's key) and `compare` (its list) are at the server, as it says, `keys` and `network` between. */
export type Part = 'harden' | 'blind' | 'evaluate' | 'keygen' | 'keys' | 'encrypt' | 'network' | 'compare' | 'decrypt'

/** What left for one check, and where the time went. */
export interface Trace {
  readonly sent: readonly SentRequest[]
  readonly totalMs: number
  readonly ms: Readonly<Record<Part, number>>
}

export interface Answer {
  readonly found: boolean
  readonly label?: Uint8Array
  readonly trace: Trace
}

export type ToWorker =
  | { readonly open: { readonly url: string; readonly name: string; readonly token?: string } }
  | { readonly check: { readonly id: number; readonly items: readonly Item[] } }
  | { readonly abort: number }

export interface Failure {
  readonly id: number
  readonly message: string
  readonly code?: string
}

export type FromWorker =
  | { readonly progress: { readonly id: number; readonly stage: Stage } }
  | { readonly done: { readonly id: number; readonly answer: Answer } }
  | { readonly failed: Failure }
