import type { Context } from 'hono'
import { RateLimiterMemory, type RateLimiterRes } from 'rate-limiter-flexible'
import type { Principal } from '../access/principal.ts'
import { addressOf } from '../http/auth.ts'
import type { Env, RouteServices } from '../http/context.ts'
import { Refusal } from '../http/errors.ts'

/** What is counted for each set and caller. */
export type Counted = 'elements' | 'queries' | 'keys'

/** Takes so many from what a caller has in an hour; Refusal 429, which takes nothing, where that is too many. */
export type Spend = (counted: Counted, set: string, caller: string, count: number) => Promise<void>

const hour = 3600
const singular: Readonly<Record<Counted, string>> = { elements: 'element', queries: 'query', keys: 'key' }

/**
 * Who calls, for limits: a token, or the address without one. A receiver finds out one item with each element, so these limits are what keeps a client
 * from trying a dictionary.
 */
export function callerOf(c: Context<Env>, { token }: Principal, trustProxy: boolean): string {
  return token === undefined ? `address ${addressOf(c, trustProxy)}` : `token ${token}`
}

export function createSpend({ limits, metrics }: Pick<RouteServices, 'limits' | 'metrics'>): Spend {
  const limiter = (points: number): RateLimiterMemory | undefined =>
    points === 0 ? undefined : new RateLimiterMemory({ points, duration: hour })
  const limiters = {
    elements: limiter(limits.setElementsPerHour),
    queries: limiter(limits.setQueriesPerHour),
    keys: limiter(limits.setKeysPerHour),
  }
  return async (counted, set, caller, count) => {
    const limit = limiters[counted]
    if (!limit) return
    const key = `${set}/${caller}`
    // In one step: of those who ask at the same moment each is counted.
    const spent = await limit.consume(key, count).catch((refused: RateLimiterRes) => refused)
    if (spent.consumedPoints <= limit.points) return
    await limit.reward(key, count)
    metrics.rateLimited(`set ${counted}`)
    const seconds = Math.max(1, Math.ceil(spent.msBeforeNext / 1000))
    const left = limit.points - (spent.consumedPoints - count)
    throw new Refusal(
      429,
      'unavailable',
      `this request asks for ${count} ${count === 1 ? singular[counted] : counted}, and ${Math.max(0, left)} of ${limit.points} an hour are left: try again in ${seconds} s`,
      { 'retry-after': String(seconds) },
    )
  }
}
