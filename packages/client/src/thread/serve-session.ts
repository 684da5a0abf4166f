import type { Fetch } from '../http/service.ts'
import { openSession } from '../session/session.ts'
import type { KeyStorage } from '../storage/storage.ts'
import { fetchOutside, type Outside, type Start, storageOutside } from './backend.ts'
import { type Line, openChannel } from './channel.ts'

/** Runs a session at the other end of a line. */
export function serveSession(
  line: Line,
  start: Start,
  storage: (start: Start) => KeyStorage,
  platformFetch: Fetch = (url, init) => fetch(url, init),
): void {
  const methods: Record<string, unknown> = {}
  const channel = openChannel<Outside>(line, methods)
  const session = openSession(start.config, {
    fetch: start.outsideFetch ? fetchOutside(channel.call) : platformFetch,
    storage: start.outsideStorage ? storageOutside(channel.call) : storage(start),
  })
  Object.assign(methods, session)
}
