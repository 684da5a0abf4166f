import type { Services } from './context.ts'

/** Probes come often, and from several sides. */
const rememberMs = 1000
const patienceMs = 3000

/** Whether requests should come here; the stores are asked once a second at most. */
export function createReadiness({
  compute,
  ready,
  draining,
  log,
}: Pick<Services, 'compute' | 'ready' | 'draining' | 'log'>): () => Promise<boolean> {
  let asked: Promise<boolean> | undefined
  let at = Number.NEGATIVE_INFINITY
  const ask = async (): Promise<boolean> => {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`no answer within ${patienceMs / 1000} s`)), patienceMs)
    })
    try {
      await Promise.race([ready(), late])
      return true
    } catch (err) {
      log.warn({ err }, 'not ready: the database or the objects cannot be reached')
      return false
    } finally {
      clearTimeout(timer)
    }
  }
  return async () => {
    if (draining() || !compute.ready) return false
    if (!asked || performance.now() - at > rememberMs) {
      at = performance.now()
      asked = ask()
    }
    return asked
  }
}
