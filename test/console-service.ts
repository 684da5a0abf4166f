import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bundle, compile, importOnnx, importScorecard, importSklearn, type Model as MlModel } from '@glovebox/ml'
import {
  type ConfigOptions,
  createLog,
  loadModel,
  localPrincipal,
  type Model,
  openService,
  pushModel,
  readConfig,
} from '@glovebox/server'
import { build } from 'vite'

// A real service with the built console, behind a proxy that keeps what went through it.

const root = join(import.meta.dirname, '..')

/** The console as it ships, in a folder that goes with it. */
export async function buildConsole(): Promise<{ folder: string; [Symbol.asyncDispose](): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'glovebox-console-'))
  const app = join(root, 'apps/console')
  await build({
    root: app,
    configFile: join(app, 'vite.config.ts'),
    logLevel: 'error',
    build: { outDir: folder, emptyOutDir: true },
  })
  return { folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) }
}

/** A model of the repository as it would be pushed, under another name if need be, with another card. */
export async function modelOf(name: string, as: string = name, card?: string): Promise<Model> {
  const read = (file: string): Promise<Buffer> => readFile(join(root, 'models', name, file))
  const json = async (): Promise<unknown> => JSON.parse((await read('model.json')).toString())
  const load: Readonly<Record<string, () => Promise<MlModel>>> = {
    'digits-linear': async () => importOnnx(new Uint8Array(await read('model.onnx'))),
    xray: async () => importOnnx(new Uint8Array(await read('model.onnx'))),
    mortality: async () => importScorecard(await json()),
  }
  const model = await (load[name] ?? (async () => importSklearn(await json())))()
  const { client, server } = bundle(compile(model, { name: as }))
  const own = card ?? (await read('README.md')).toString()
  const extras = {
    'card.md': new TextEncoder().encode(own),
    'examples.json': new Uint8Array(await read('examples.json')),
    'metrics.json': new Uint8Array(await read('metrics.json')),
  }
  return loadModel({
    name: as,
    clientPart: new Uint8Array(client),
    serverPart: server,
    extras,
  })
}

export interface Sent {
  readonly method: string
  readonly path: string
  readonly body: Buffer
}

/** A service that can be looked at. */
export interface Watched extends AsyncDisposable {
  readonly url: string
  /** All requests, in their order. */
  readonly sent: readonly Sent[]
  /** While it is set, bodies of queries wait for it before they go on. */
  hold: Promise<void> | undefined
}

/** Of several models of one name each is the next version. */
export async function watch(models: readonly Model[], options: ConfigOptions): Promise<Watched> {
  const config = readConfig({ port: 0, ...options }, {})
  const service = await openService(config, createLog({ level: 'silent' }), async ({ registry }) => {
    for (const model of models) await pushModel(registry, localPrincipal, model)
  })
  const sent: Sent[] = []
  const watched = { hold: undefined as Promise<void> | undefined }
  const proxy = createServer(async (request, response) => {
    try {
      const parts: Buffer[] = []
      for await (const part of request) parts.push(part as Buffer)
      const body = Buffer.concat(parts)
      const { method = '', url: path = '', headers } = request
      sent.push({ method, path, body })
      if (/\/(?:infer|query)(?:\?|$)/.test(path)) await watched.hold
      const passed = Object.fromEntries(
        Object.entries(headers).filter(([name]) => !/^(?:host|connection|origin|content-length)$/.test(name)),
      ) as Record<string, string>
      const answer = await fetch(`${service.url}${path}`, {
        method,
        headers: passed,
        redirect: 'manual',
        ...(body.length > 0 && { body }),
      })
      const hop = /^(?:connection|content-length|transfer-encoding|keep-alive)$/
      const back = Object.fromEntries([...answer.headers].filter(([name]) => !hop.test(name)))
      response.writeHead(answer.status, back).end(Buffer.from(await answer.arrayBuffer()))
    } catch {
      response.destroy()
    }
  })
  await listening(proxy)
  const { port } = proxy.address() as AddressInfo
  return Object.assign(watched, {
    url: `http://127.0.0.1:${port}`,
    sent,
    async [Symbol.asyncDispose]() {
      proxy.closeAllConnections()
      proxy.close()
      await service.close()
    },
  })
}

function listening(server: Server): Promise<void> {
  return new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
}
