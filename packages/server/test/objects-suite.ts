import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Backend, bytesOf, noise, type OpenBackend, stream } from './stores.ts'

/** What an object store has to do, whatever it is made of. */
export function objectsSuite(name: string, open: OpenBackend, replacesAtOnce = true): void {
  describe(`objects on ${name}`, () => {
    let backend: Backend
    beforeAll(async () => {
      backend = await open()
    })
    afterAll(() => backend[Symbol.asyncDispose]())
    const keysUnder = async (prefix: string): Promise<string[]> => {
      const keys: string[] = []
      for await (const { key } of backend.objects.list(prefix)) keys.push(key)
      return keys.sort()
    }

    test.each([0, 1, 5000, 2 ** 18, 11 * 2 ** 20 + 7])('%i bytes come back as they were', async (length) => {
      const { objects } = backend
      const bytes = noise(length, length)
      const key = `round/${length}`
      expect(await objects.size(key)).toBeUndefined()
      expect(await objects.put(key, stream(bytes, 70_001))).toBe(length)
      expect(await objects.size(key)).toBe(length)
      expect(Buffer.compare(await bytesOf(objects.get(key)), bytes)).toBe(0)
    })

    test('what is put again replaces what was there; deleting is done once and again', async () => {
      const { objects } = backend
      await objects.put('again', stream(noise(100)))
      await objects.put('again', stream(noise(50, 2)))
      expect(await bytesOf(objects.get('again'))).toEqual(noise(50, 2))
      await objects.delete('again')
      await objects.delete('again')
      await expect(bytesOf(objects.get('again'))).rejects.toMatchObject({ code: 'not-found' })
    })

    test('a listing has what begins with the prefix, sizes and times with it', async () => {
      const { objects } = backend
      const long = 'ab'.repeat(32)
      const keys = ['list/a/1', `list/a/${long}`, `list/${long}/2`, 'list/ab/3', `list/ab/${long}/${long}`]
      for (const [i, key] of keys.entries()) await objects.put(key, stream(noise(i + 1)))
      expect(await keysUnder('list/')).toEqual([...keys].sort())
      expect(await keysUnder('list/a/')).toEqual(['list/a/1', `list/a/${long}`])
      expect(await keysUnder(`list/${long}/`)).toEqual([`list/${long}/2`])
      expect(await keysUnder('list/none/')).toEqual([])
      expect(await keysUnder('')).toEqual(expect.arrayContaining(keys))
      for await (const { bytes, modified } of objects.list('list/ab/3/')) expect({ bytes, modified }).toBeUndefined()
      for await (const { key, bytes, modified } of objects.list('list/')) {
        expect(bytes).toBe(keys.indexOf(key) + 1)
        expect(Math.abs(modified - Date.now())).toBeLessThan(60_000)
      }
    })

    test.each([1000, 12 * 2 ** 20])(
      'a stream that fails after %i bytes leaves nothing, and its error comes out',
      async (length) => {
        const { objects } = backend
        const failing = async function* (): AsyncGenerator<Uint8Array> {
          yield* stream(noise(length), 65_536)
          throw new Error('the client has left')
        }
        await objects.put('failing/kept', stream(noise(10)))
        for (const key of ['failing/new', 'failing/kept'])
          await expect(objects.put(key, failing())).rejects.toThrow('the client has left')
        expect(await keysUnder('failing/')).toEqual(['failing/kept'])
        expect(await bytesOf(objects.get('failing/kept'))).toEqual(noise(10))
      },
    )

    test('an abort ends a stream that stalls, and leaves nothing', async () => {
      const { objects } = backend
      const stalling = async function* (): AsyncGenerator<Uint8Array> {
        yield noise(100)
        await new Promise(() => undefined)
      }
      const reason = new Error('too slow')
      const control = new AbortController()
      const putting = objects.put('stalled', stalling(), { signal: control.signal })
      setTimeout(() => control.abort(reason), 30)
      await expect(putting).rejects.toBe(reason)
      await expect(objects.put('stalled', stream(noise(9)), { signal: control.signal })).rejects.toBe(reason)
      expect(await objects.size('stalled')).toBeUndefined()
    })

    test.runIf(replacesAtOnce)('many at once under one key: one of them is there, whole', async () => {
      const { objects } = backend
      await Promise.all(Array.from({ length: 12 }, (_, i) => objects.put('race/x', stream(noise(3000 + i, i), 100))))
      const found = await bytesOf(objects.get('race/x'))
      expect(found).toEqual(noise(found.length, found.length - 3000))
    })

    test('putting and deleting neighbours at once loses none', async () => {
      const { objects } = backend
      const folder = 'cd'.repeat(32)
      await Promise.all(
        Array.from({ length: 40 }, async (_, i) => {
          await objects.put(`busy/${folder}/${i}`, stream(noise(10, i)))
          if (i % 2) await objects.delete(`busy/${folder}/${i}`)
        }),
      )
      expect((await keysUnder('busy/')).length).toBe(20)
    })

    test('a key is names between slashes: nothing climbs, nothing hides', async () => {
      const { objects } = backend
      const bad = [
        '',
        '/',
        '/etc/passwd',
        'a/../b',
        '..',
        '.',
        'a//b',
        'a/',
        'A',
        'a\\b',
        'a\0b',
        '~tmp/x',
        'a/~ab',
        'x'.repeat(129),
        'é',
      ]
      for (const key of bad) {
        await expect(async () => objects.put(key, stream(noise(1))), JSON.stringify(key)).rejects.toThrow(RangeError)
        await expect(async () => bytesOf(objects.get(key))).rejects.toThrow(RangeError)
        await expect(async () => objects.size(key)).rejects.toThrow(RangeError)
        await expect(async () => objects.delete(key)).rejects.toThrow(RangeError)
      }
      await expect(keysUnder('no-slash')).rejects.toThrow(RangeError)
      await expect(keysUnder('../')).rejects.toThrow(RangeError)
    })

    test('says that it is ready', async () => {
      await expect(backend.objects.ready()).resolves.toBeUndefined()
    })
  })
}
