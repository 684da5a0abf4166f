import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createAudit } from '../src/access/audit.ts'
import { createTokens } from '../src/access/tokens.ts'
import type { Backend, OpenBackend } from './stores.ts'

/** Tokens and the audit log. */
export function accessSuite(name: string, open: OpenBackend): void {
  describe(`access on ${name}`, () => {
    let backend: Backend
    beforeAll(async () => {
      backend = await open()
    })
    afterAll(() => backend[Symbol.asyncDispose]())
    const tokensOf = (...options: Parameters<typeof createTokens> extends [unknown, ...infer R] ? R : never) =>
      createTokens(backend.database.db, ...options)

    test('a token opens what it was made for, and the database does not hold it', async () => {
      const tokens = tokensOf()
      const { token, entry } = await tokens.create({ tenant: 'clinic', name: 'laptop', scopes: ['push', 'predict'] })
      expect(token).toMatch(/^gbx_[A-Za-z0-9_-]{43}$/)
      expect(await tokens.verify(token)).toEqual({
        tenant: 'clinic',
        token: entry.id,
        scopes: new Set(['predict', 'push']),
      })
      const rows = JSON.stringify(await backend.database.db.selectFrom('tokens').selectAll().execute())
      expect(rows).toContain(entry.id)
      for (const secret of [token, token.slice(4), Buffer.from(token.slice(4), 'base64url').toString('hex')])
        expect(rows).not.toContain(secret)
      expect(JSON.stringify(await tokens.list())).not.toContain(token.slice(4, 20))
    })

    test('one character more, less or other is another token', async () => {
      const tokens = tokensOf()
      const { token } = await tokens.create({ tenant: 'a', name: '', scopes: ['predict'] })
      const other = token.at(-2) === 'A' ? 'B' : 'A'
      for (const wrong of [
        '',
        'gbx_',
        token.slice(0, -1),
        `${token}A`,
        token.slice(4),
        token.toUpperCase(),
        `${token.slice(0, -2)}${other}${token.at(-1)}`,
      ])
        await expect(tokens.verify(wrong), wrong).rejects.toMatchObject({ code: 'unauthorised' })
    })

    test('what was revoked ends here at once, on another replica within 5 s', async () => {
      const [here, there] = [tokensOf(), tokensOf({ cacheMs: 50 })]
      const { token, entry } = await here.create({ tenant: 'a', name: 'x', scopes: ['admin'] })
      await Promise.all([here.verify(token), there.verify(token)])
      await here.revoke(entry.id)
      await here.revoke(entry.id)
      await expect(here.verify(token)).rejects.toMatchObject({ code: 'unauthorised' })
      await sleep(60)
      await expect(there.verify(token)).rejects.toMatchObject({ code: 'unauthorised' })
      expect((await here.list('a')).find(({ id }) => id === entry.id)?.revokedAt).toBeTypeOf('number')
      await expect(here.revoke('0123456789abcdef')).rejects.toMatchObject({ code: 'not-found' })
    })

    test('no replica remembers a token for longer than 4 s, whatever it is told', async () => {
      const tokens = tokensOf({ cacheMs: 1e9 })
      const { token, entry } = await tokens.create({ tenant: 'a', name: 'x', scopes: ['predict'] })
      await tokens.verify(token)
      await tokensOf().revoke(entry.id)
      const { now } = Date
      Date.now = () => now() + 4001
      try {
        await expect(tokens.verify(token)).rejects.toMatchObject({ code: 'unauthorised' })
      } finally {
        Date.now = now
      }
    })

    test('and for no longer where the clock is set back', async () => {
      const tokens = tokensOf({ cacheMs: 4000 })
      const { token, entry } = await tokens.create({ tenant: 'a', name: 'x', scopes: ['predict'] })
      await tokens.verify(token)
      await tokensOf().revoke(entry.id)
      const { now } = Date
      Date.now = () => now() - 3_600_000
      try {
        await expect(tokens.verify(token)).rejects.toMatchObject({ code: 'unauthorised' })
      } finally {
        Date.now = now
      }
    })

    test('an expiry holds, remembered or not', async () => {
      const tokens = tokensOf({ cacheMs: 4000 })
      const { token } = await tokens.create({ tenant: 'a', name: 'x', scopes: ['predict'], expiresIn: 1000 })
      const { now } = Date
      try {
        // Remembered a second before, and not looked up again.
        for (const seconds of [0, 999]) {
          Date.now = () => now() + 1000 * seconds
          await tokens.verify(token)
        }
        Date.now = () => now() + 1_000_001
        await expect(tokens.verify(token)).rejects.toMatchObject({ code: 'unauthorised' })
        await expect(tokensOf().verify(token)).rejects.toMatchObject({ code: 'unauthorised' })
      } finally {
        Date.now = now
      }
    })

    test('names, scopes and expiries are checked', async () => {
      const tokens = tokensOf()
      const good = { tenant: 'a', name: 'x', scopes: ['predict'] as const }
      const wrong = [
        { ...good, tenant: 'A' },
        { ...good, tenant: '' },
        { ...good, tenant: '../x' },
        { ...good, tenant: '*' },
        { ...good, scopes: [] },
        { ...good, scopes: ['root' as 'admin'] },
        { ...good, expiresIn: 0 },
        { ...good, expiresIn: Number.NaN },
        { ...good, name: 'x'.repeat(129) },
      ]
      for (const options of wrong)
        await expect(tokens.create(options), JSON.stringify(options)).rejects.toMatchObject({ code: 'malformed' })
    })

    test('the token of the environment is admin; a short one is refused', async () => {
      const secret = 's3cret-of-32-characters-or-more!!'
      const tokens = tokensOf({ adminToken: secret })
      expect(await tokens.verify(secret)).toMatchObject({ tenant: 'admin' })
      await expect(tokens.verify(`${secret}!`)).rejects.toMatchObject({ code: 'unauthorised' })
      expect(() => tokensOf({ adminToken: 'short' })).toThrow(RangeError)
    })

    test('the audit log keeps what was said, newest first', async () => {
      const audit = createAudit(backend.database.db)
      for (let i = 0; i < 30; i++)
        await audit.append({
          tenant: i % 3 ? 'a' : 'b',
          token: i % 2 ? 't' : undefined,
          action: 'version.create',
          object: `digits@${i}`,
          outcome: 'ok',
          request: undefined,
        })
      const all = await audit.list()
      expect(all.map(({ object }) => object)).toEqual(Array.from({ length: 30 }, (_, i) => `digits@${29 - i}`))
      expect(all[0]).toMatchObject({
        tenant: 'a',
        token: 't',
        action: 'version.create',
        outcome: 'ok',
        request: undefined,
      })
      expect((await audit.list({ tenant: 'b' })).length).toBe(10)
      const hostile = { tenant: 'c', token: undefined, action: 'x', outcome: 'ok', request: 'a\nb' }
      await audit.append({ ...hostile, object: 'a\0\u001b[2J' })
      expect(await audit.list({ tenant: 'c' })).toMatchObject([{ object: 'a\ufffd\ufffd[2J', request: 'a\ufffdb' }])
      expect((await audit.list({ limit: 3 })).length).toBe(3)
      expect((await audit.list({ before: all[0]!.at - 60_000 })).length).toBe(0)
      const now = all[0]!.at + 60_000
      expect([await audit.expire(all.at(-1)!.at), await audit.expire(now), (await audit.list()).length]).toEqual([
        0, 31, 0,
      ])
      for (const limit of [0, 1001, 1.5, Number.NaN])
        await expect(audit.list({ limit })).rejects.toMatchObject({ code: 'malformed' })
    })
  })
}
