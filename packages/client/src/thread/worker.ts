import { browserStorage } from '../storage/browser.ts'
import type { Start } from './backend.ts'
import type { Message } from './channel.ts'
import { serveSession } from './serve-session.ts'

// The module worker of a page, in which its keys are made and used. Its first message says how to begin.

interface Scope {
  onmessage: ((event: { readonly data: unknown }) => void) | null
  postMessage(message: Message): void
}
const scope = globalThis as unknown as Scope

let listener: ((message: Message) => void) | undefined
scope.onmessage = ({ data }) => {
  if (listener) return listener(data as Message)
  const onMessage = (added: (message: Message) => void): void => {
    listener = added
  }
  serveSession({ post: (message) => scope.postMessage(message), onMessage }, data as Start, browserStorage, fetchBlobs)
}

/** Bodies above this go as Blob: 256 KiB. */
const blobBytes = 2 ** 18

/** Chromium sends megabytes of a Blob about twice as fast as those of an array. */
function fetchBlobs(url: string, init: RequestInit): Promise<Response> {
  const { body } = init
  const large = body instanceof Uint8Array && body.length >= blobBytes
  return fetch(url, large ? { ...init, body: new Blob([body as Uint8Array<ArrayBuffer>]) } : init)
}
