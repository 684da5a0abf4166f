import { isIPv6 } from 'node:net'
import { GloveboxError } from '@glovebox/he'
import type { Context } from 'hono'
import { RateLimiterMemory, type RateLimiterRes } from 'rate-limiter-flexible'
import { allows, localPrincipal, type Principal, requireScope, type Scope } from '../access/principal.ts'
import type { Env, RouteServices } from './context.ts'
import { Refusal } from './errors.ts'

/** What a route asks of who calls: nothing, any token, or a token with a scope. */
export type Need = 'public' | 'any' | Scope

const bearer = /^Bearer +([\x21-\x7e]{1,512})$/i

/** Whoever calls, behind the limits; Refusal 401, 403 or 429. */
export type Allow = (c: Context<Env>, need: Exclude<Need, 'public'>) => Promise<Principal>

/** Tokens, scopes and rate limits of one service. */
export function createAllow({
  access,
  tokens,
  metrics,
  limits,
}: Pick<RouteServices, 'access' | 'tokens' | 'metrics' | 'limits'>): Allow {
  const requests = limiter(limits.requestsPerMinute)
  const failures = limiter(limits.failuresPerMinute)

  // Each leaves a line in the audit log.
  const failed = async (who: string, reason: string): Promise<void> => {
    metrics.authFailed(reason)
    if (failures) await spend(failures, who, () => metrics.rateLimited('failures'))
  }
  const fail = async (address: string, reason: string, message: string): Promise<never> => {
    await failed(address, reason)
    throw new Refusal(401, 'unauthorised', message, { 'www-authenticate': 'Bearer realm="glovebox"' })
  }

  const authenticate = async (c: Context<Env>): Promise<Principal> => {
    const header = c.req.header('authorization')
    if (header === undefined && !access.tokens) return localPrincipal
    const address = addressOf(c, access.trustProxy)
    if (header === undefined)
      return fail(address, 'missing', 'this needs a token: send the header "authorization: Bearer gbx_…"')
    const token = bearer.exec(header)?.[1]
    if (token === undefined)
      return fail(address, 'malformed', 'the header "authorization" expected "Bearer gbx_…", a token of this server')
    // Right tokens are never kept waiting by wrong ones: behind a proxy all may come from one address.
    try {
      return await tokens.verify(token)
    } catch (error) {
      if (!(error instanceof GloveboxError && error.code === 'unauthorised')) throw error
      return fail(address, 'wrong', error.message)
    }
  }

  return async (c, need) => {
    const principal = await authenticate(c)
    c.set('principal', principal)
    if (requests && principal.token !== undefined)
      await spend(requests, principal.token, () => metrics.rateLimited('requests'))
    if (need !== 'any' && !allows(principal, need)) {
      await failed(`token ${principal.token}`, 'scope')
      try {
        requireScope(principal, need)
      } catch (error) {
        throw new Refusal(403, 'unauthorised', (error as Error).message)
      }
    }
    return principal
  }
}

function limiter(points: number): RateLimiterMemory | undefined {
  return points === 0 ? undefined : new RateLimiterMemory({ points, duration: 60 })
}

async function spend(limit: RateLimiterMemory, key: string, onRefuse: () => void): Promise<void> {
  try {
    await limit.consume(key)
  } catch (refused) {
    onRefuse()
    throw tooMany(refused as RateLimiterRes)
  }
}

function tooMany({ msBeforeNext }: RateLimiterRes): Refusal {
  const seconds = Math.max(1, Math.ceil(msBeforeNext / 1000))
  return new Refusal(429, 'unavailable', `too many requests: try again in ${seconds} s`, {
    'retry-after': String(seconds),
  })
}

/** Where a request comes from; a network of /64 is one address of IPv6. */
export function addressOf(c: Context<Env>, trustProxy: boolean): string {
  const direct = c.env?.incoming?.socket.remoteAddress ?? 'unknown'
  // The last one was written by the proxy in front; those before it by whoever asked.
  const forwarded = trustProxy ? c.req.header('x-forwarded-for')?.split(',').at(-1)?.trim() : undefined
  const address = withoutPort(forwarded ?? direct).replace(/^::ffff:/i, '')
  return isIPv6(address) ? network64(address) : address.slice(0, 64)
}

/** Some proxies write one, 1.2.3.4:5678 or [2001:db8::1]:5678, with which each connection would be an address of its own. */
function withoutPort(address: string): string {
  return /^\[([^\]]+)\](?::\d+)?$/.exec(address)?.[1] ?? address.replace(/^(\d+(?:\.\d+){3}):\d+$/, '$1')
}

function network64(address: string): string {
  const [head = '', tail] = address.split('::')
  const groups = head === '' ? [] : head.split(':')
  const rest = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - groups.length - rest.length)
  return [...groups, ...Array<string>(zeros).fill('0'), ...rest].slice(0, 4).join(':')
}
