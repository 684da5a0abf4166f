import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { compileTiny, tinySamples } from '../../../client/test/tiny.ts'
import { type Finished, gloveboxWith, serveWith, testFolder } from '../../test/glovebox.ts'
import { alive, childrenOf, commandLineOf, until } from '../../test/processes.ts'

// What happens to a service in use, with real processes: tokens, the gallery, a full disk.

const folder = testFolder()
const at = (...names: string[]): string => join(folder, ...names)
const admin = 'an-admin-token-for-tests-0123456789'
const tiny = compileTiny()
mkdirSync(at('tiny'))
for (const part of ['client', 'server'] as const) writeFileSync(at('tiny', `${part}.gbx`), tiny[part])
writeFileSync(at('x.json'), JSON.stringify(tinySamples(1)))

const good = ({ code, stdout, stderr }: Finished): string => {
  if (code !== 0) throw new Error(`code ${code}: ${stderr}`)
  return stdout
}

describe.runIf(process.platform === 'linux')('serve --tokens --gallery', () => {
  test('takes a token from creation to prediction; what is secret is in no command line and no log', async () => {
    const server = await serveWith(
      { GLOVEBOX_ADMIN_TOKEN: admin },
      '--tokens',
      '--gallery',
      '--port',
      '0',
      '--data',
      at('data'),
    )
    const pid = server.child.pid!
    const gallery = await until(() => childrenOf(pid).find((child) => commandLineOf(child).includes('gallery')))
    for (const process of [pid, gallery]) expect(commandLineOf(process)).not.toContain(admin)
    const run = (token: string | undefined, ...args: string[]) =>
      gloveboxWith({ GLOVEBOX_SERVER: server.url, ...(token !== undefined && { GLOVEBOX_TOKEN: token }) }, ...args)

    const token = good(await run(admin, 'token', 'create', '--tenant', 'clinic', '--scope', 'push,predict')).trim()
    expect(token).toMatch(/^gbx_[\w-]{43}$/)
    expect(good(await run(token, 'push', at('tiny'), '--name', 'tiny'))).toMatch(/^tiny@1: /)
    expect(good(await run(token, 'predict', 'tiny', '--input', at('x.json')))).toMatch(/^sample 0: /)

    const wrong = `gbx_${'x'.repeat(43)}`
    const asked: [string | undefined, number, RegExp][] = [
      [undefined, 1, /it needs a token, in the variable GLOVEBOX_TOKEN or a file named by --token-file\n$/],
      [wrong, 1, /^glovebox: the server at http:\S+ says: .*token/],
      ['two words', 1, /^glovebox: GLOVEBOX_TOKEN expected a token: one line/],
    ]
    for (const [given, expected, message] of asked) {
      for (const command of [
        ['models'],
        ['predict', 'tiny', '--input', at('x.json')],
        ['push', at('tiny'), '--name', 'tiny'],
      ]) {
        const { code, stderr } = await run(given, ...command)
        expect([code, stderr]).toEqual([expected, expect.stringMatching(message)])
        if (given !== undefined) expect(stderr).not.toContain(given)
      }
    }
    expect((await run(token, 'top', '--once')).stderr).toMatch(/admin/)

    // The first of the gallery is there within seconds, for all tenants.
    const ready = ({ msg }: Record<string, unknown>): boolean => msg === 'model of the gallery is ready'
    await until(() => server.lines.find(ready))
    expect(good(await run(token, 'models'))).toMatch(/^digits-linear /m)
    // It ends with the server, wherever it is.
    expect(await server.kill('SIGTERM')).toBe(0)
    await until(() => !alive(gallery) || undefined)
    const log = JSON.stringify(server.lines)
    for (const secret of [admin, token, wrong]) expect(log).not.toContain(secret)
    expect(server.lines.filter(({ level }) => Number(level) >= 50 || level === 'error')).toEqual([])
  })
})

/** A disk of a few megabytes; undefined without the right to mount one. */
function smallDisk(name: string, size: string): string | undefined {
  mkdirSync(at(name))
  return spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', at(name)]).status === 0
    ? at(name)
    : undefined
}

describe.runIf(process.platform === 'linux')('a full disk', () => {
  test('of a service: push says so, the service goes on, and the next push works when there is room', async () => {
    const disk = smallDisk('disk', '4m')
    if (disk === undefined) return
    const server = await serveWith({}, '--port', '0', '--data', join(disk, 'data'))
    try {
      const push = (model: string) => gloveboxWith({ GLOVEBOX_SERVER: server.url }, 'push', at(model), '--name', model)
      expect(good(await push('tiny'))).toMatch(/^tiny@1/)
      mkdirSync(at('large'))
      for (const part of ['client', 'server'] as const) writeFileSync(at('large', `${part}.gbx`), tiny[part])
      writeFileSync(at('large', 'card.md'), '#'.repeat(900_000))
      spawnSync('dd', ['if=/dev/zero', `of=${join(disk, 'filler')}`, 'bs=64k'])
      const { code, stderr } = await push('large')
      expect(code).toBe(1)
      expect(stderr).toMatch(/^glovebox: the server at http:\S+ says: .*(full|space|room|storage)/)
      expect((await fetch(`${server.url}/v2/health/live`)).status).toBe(200)
      const predict = await gloveboxWith(
        { GLOVEBOX_SERVER: server.url },
        'predict',
        'tiny',
        '--fresh-keys',
        '--input',
        at('x.json'),
      )
      expect(predict.code === 0 || /says: /.test(predict.stderr)).toBe(true)
      rmSync(join(disk, 'filler'))
      expect(good(await push('large'))).toMatch(/^large@1/)
      expect(await server.kill('SIGTERM')).toBe(0)
    } finally {
      await server.kill('SIGKILL')
      spawnSync('umount', ['-l', disk])
    }
  })

  test('of train: it says which file, and what was there stays', async () => {
    const disk = smallDisk('models', '16k')
    if (disk === undefined) return
    try {
      const rows = Array.from({ length: 40 }, (_, i) =>
        Array.from({ length: 120 }, (_, k) => (i * (k + 3)) % 17).join(','),
      )
      const names = Array.from({ length: 120 }, (_, k) => `c${k}`).join(',')
      writeFileSync(at('table.csv'), [names, ...rows].join('\n'))
      writeFileSync(join(disk, 'server.gbx'), 'before')
      const { code, stderr } = await gloveboxWith(
        {},
        'train',
        'ridge',
        '--data',
        at('table.csv'),
        '--target',
        'c0',
        '-o',
        disk,
      )
      expect([code, stderr]).toEqual([
        1,
        expect.stringMatching(/^glovebox: cannot write .*models\/\S+: the disk is full\n$/),
      ])
      expect(readdirSync(disk).filter((name) => name.endsWith('.tmp'))).toEqual([])
    } finally {
      spawnSync('umount', [disk])
    }
  })
})
