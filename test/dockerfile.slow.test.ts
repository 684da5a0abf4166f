import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dockerfile, type Instruction, manifests } from './manifests.ts'

// deploy/Dockerfile without Docker: its COPY and RUN lines are done in folders of this machine, from the files that a clean clone has.

const root = join(import.meta.dirname, '..')
const [build, image] = dockerfile() as [Instruction[], Instruction[]]
const place = mkdtempSync(join(tmpdir(), 'glovebox-image-'))
const [src, app] = [join(place, 'src'), join(place, 'app')]

/** What git has or would have; the others are no part of a clone. */
const clone = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '-z'], { cwd: root, encoding: 'utf8' })
  .split('\0')
  .filter((path) => path && existsSync(join(root, path)))

/** Patterns of .dockerignore, of the few forms that are used there; the last one that fits counts. */
const ignored = (() => {
  const lines = readFileSync(join(root, '.dockerignore'), 'utf8')
    .split('\n')
    .filter((line) => line && !line.startsWith('#'))
  const rules = lines.map((line) => ({
    keep: line.startsWith('!'),
    pattern: new RegExp(
      `^${line
        .replace(/^!/, '')
        .replaceAll('.', '\\.')
        .replaceAll('**/', '(?:.+/)?')
        .replaceAll(/(?<!\))\*/g, '[^/]*')}(?:/|$)`,
    ),
  }))
  return (path: string): boolean => !(rules.findLast(({ pattern }) => pattern.test(path))?.keep ?? true)
})()

function environment(extra: Record<string, string> = {}): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = { ...process.env, ...extra }
  for (const name of Object.keys(env))
    if (/^(npm_|NODE_OPTIONS$|NODE_ENV$|VITEST|INIT_CWD)/i.test(name) && !(name in extra)) delete env[name]
  return env
}

const copies = (stage: Instruction[]) =>
  stage.filter(({ keyword }) => keyword === 'COPY').map(({ rest }) => rest.split(/ +/))

beforeAll(() => {
  mkdirSync(src)
  mkdirSync(app)
  for (const { keyword, rest } of build) {
    if (keyword === 'COPY') {
      for (const source of rest.split(/ +/).slice(0, -1))
        for (const path of clone.filter(
          (file) => (file === source || file.startsWith(`${source}/`)) && !ignored(file),
        )) {
          mkdirSync(dirname(join(src, path)), { recursive: true })
          cpSync(join(root, path), join(src, path))
        }
    } else if (keyword === 'RUN') {
      const { status, stdout, stderr } = spawnSync('sh', ['-c', rest], {
        cwd: src,
        env: environment({ PATH: `${dirname(process.execPath)}:${process.env.PATH}` }),
        encoding: 'utf8',
      })
      if (status !== 0) throw new Error(`RUN ${rest}\n${stdout.slice(-1000)}${stderr.slice(0, 3000)}`)
    }
  }
  for (const [, from, to] of copies(image))
    cpSync(from!.replace('/src', src), join(app, to!.endsWith('/') ? `${to}${basename(from!)}` : to!), {
      recursive: true,
      verbatimSymlinks: true,
    })
}, 300_000)

afterAll(() => rmSync(place, { recursive: true, force: true }))

test('what is copied is there, and is not ignored', () => {
  for (const [source] of copies(build))
    expect(
      clone.some((path) => (path === source || path.startsWith(`${source}/`)) && !ignored(path)),
      source,
    ).toBe(true)
  for (const [flag, from] of copies(image))
    expect([flag, existsSync(from!.replace('/src', src))]).toEqual(['--from=build', true])
  for (const path of [
    'node_modules/x',
    'packages/he/node_modules/x',
    'packages/he/dist/index.js',
    '.git/config',
    'deploy/.env',
    'SECURITY.md',
  ])
    expect(ignored(path), path).toBe(true)
  for (const path of ['package.json', 'packages/he/src/index.ts', 'models/digits/model.onnx'])
    expect(ignored(path), path).toBe(false)
})

test('the image has no development dependency, and no file of the model but what the command needs', () => {
  for (const name of ['vitest', 'typescript', 'assemblyscript', 'playwright-core'])
    expect(existsSync(join(app, 'node_modules', name)), name).toBe(false)
  for (const name of ['hono', 'kysely', '@glovebox/server'])
    expect(existsSync(join(app, 'node_modules', name)), name).toBe(true)
})

describe('the image', () => {
  const instruction = (name: string): string => image.findLast(({ keyword }) => keyword === name)!.rest
  let child: ChildProcess | undefined
  let port = 0
  let output = ''
  const token = 'an-admin-token-of-this-test-only'

  beforeAll(async () => {
    const probe = createServer().listen(0, '127.0.0.1')
    await once(probe, 'listening')
    port = (probe.address() as { port: number }).port
    probe.close()
    mkdirSync(join(place, 'data'))
    const [command, ...entry] = JSON.parse(instruction('ENTRYPOINT')) as string[]
    const args = JSON.parse(instruction('CMD')) as string[]
    expect(command).toBe('node')
    child = spawn(process.execPath, [...entry, ...args, '--port', String(port)], {
      cwd: app,
      env: environment({ NODE_ENV: 'production', GLOVEBOX_DATA: join(place, 'data'), GLOVEBOX_ADMIN_TOKEN: token }),
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    for (const stream of [child.stdout!, child.stderr!])
      stream.on('data', (text) => {
        output += text
      })
    for (let i = 0; i < 300 && child.exitCode === null; i++) {
      if (
        await fetch(`http://127.0.0.1:${port}/v2/health/ready`).then(
          ({ ok }) => ok,
          () => false,
        )
      )
        return
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    throw new Error(`the service does not start: ${output}`)
  }, 60_000)

  afterAll(async () => {
    if (!child || child.exitCode !== null) return
    child.kill('SIGTERM')
    await once(child, 'exit')
  })

  test('serves every path that probes ask for, without a token', async () => {
    const probes = manifests()
      .filter(({ kind }) => kind === 'Deployment')
      .flatMap((manifest) =>
        [...JSON.stringify(manifest).matchAll(/"path":"([^"]+)","port":"http"/g)].map(([, path]) => path!),
      )
    expect(new Set(probes)).toEqual(new Set(['/v2/health/ready', '/v2/health/live']))
    for (const path of probes) expect((await fetch(`http://127.0.0.1:${port}${path}`)).status, path).toBe(200)
  })

  test('is healthy by its own command, on the port that it exposes', () => {
    const [, command] = /CMD (.*)$/.exec(instruction('HEALTHCHECK'))!
    const exposed = instruction('EXPOSE')
    const [, ...args] = JSON.parse(command!) as string[]
    expect(args.at(-1)).toContain(`127.0.0.1:${exposed}/`)
    const run = (to: number) =>
      spawnSync(
        process.execPath,
        args.map((arg) => arg.replace(`:${exposed}/`, `:${to}/`)),
        { env: environment() },
      ).status
    expect(run(port)).toBe(0)
    expect(run(1)).toBe(1)
  })

  test('asks for a token', async () => {
    const status = async (headers: Record<string, string>): Promise<number> =>
      (await fetch(`http://127.0.0.1:${port}/v2/tokens`, { headers })).status
    expect(await status({})).toBe(401)
    expect(await status({ authorization: `Bearer ${token}` })).toBe(200)
  })
})
