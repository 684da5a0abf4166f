import { GloveboxError } from '@glovebox/he'
import { type Backend, outsideOf, type Start, threadBackend } from './backend.ts'
import type { Message } from './channel.ts'
import type { Placed } from './placed.ts'

/** A session in a worker of the page. */
export function openInBrowser(config: Start['config'], { fetch, keys, worker }: Placed): Backend {
  if (worker === false)
    throw new GloveboxError(
      'unsupported',
      '"worker" expected true or a function that makes a Worker: in a browser keys live in one, so that the page stays quick',
    )
  const made =
    typeof worker === 'function' ? worker() : new Worker(new URL('./worker.js', import.meta.url), { type: 'module' })
  const line = {
    post: (message: Message) => made.postMessage(message),
    onMessage(listener: (message: Message) => void) {
      made.onmessage = ({ data }: MessageEvent<Message>) => listener(data)
    },
  }
  const start: Start = { config, outsideFetch: fetch !== undefined, outsideStorage: keys !== undefined }
  made.postMessage(start)
  const { fail, ...backend } = threadBackend(line, outsideOf(fetch, keys), () => made.terminate())
  made.onerror = (event) =>
    fail(
      new GloveboxError(
        'unavailable',
        `the worker of the client could not be loaded or has failed (${event.message ?? 'no reason given'}): the page must allow it ("worker-src"), and the bundler place thread/worker.js beside the client`,
      ),
    )
  return backend
}
