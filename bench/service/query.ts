import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { Agent, type IncomingMessage, request } from 'node:http'
import { join } from 'node:path'
import { type ClientKeys, createKeys, encryptQuery, openModel } from '@glovebox/client'
import { type Engine, type Keys, openEngine } from '@glovebox/server'
import { clientFile, serverFile, writeBundle } from '../../packages/cli/src/bundle.ts'
import { demo as digits } from '../../packages/cli/src/demo/digits.ts'
import { demo as digitsLinear } from '../../packages/cli/src/demo/digits-linear.ts'
import { encodeInferRequest, lengthHeader } from '../../packages/client/src/http/protocol.ts'

/** A compiled model of the gallery, keys for it, and one query: in the clear of HTTP and for the bare engine. */
export interface Prepared extends Disposable {
  readonly name: string
  readonly folder: string
  readonly keys: ClientKeys
  /** A digit, from 0 to 1. */
  readonly input: readonly number[]
  /** A frame of kind 'query'. */
  readonly query: Uint8Array
  /** The body of `infer`, also as a file. */
  readonly body: Uint8Array<ArrayBuffer>
  readonly bodyFile: string
  readonly headers: Readonly<Record<string, string>>
  readonly engine: Engine
  readonly engineKeys: Keys
}

/** Compiles as the demo does, into a folder named like the model. */
export async function prepareModel(name: 'digits' | 'digits-linear', within: string): Promise<Prepared> {
  const folder = join(within, name)
  const demo = name === 'digits' ? digits : digitsLinear
  const task = await demo.load({ samples: 1, data: undefined })
  await writeBundle(folder, task.model, { name, ...task.compile })
  const model = openModel(new Uint8Array(readFileSync(join(folder, clientFile))))
  const keys = createKeys(model)
  const withKeys = model.part.keys.rotations.length > 0 || model.part.keys.relinearisation !== undefined
  const input = [...(task.inputs[0] as Float64Array)]
  const query = encryptQuery(model, keys.secret, [input])
  const { body, headerLength } = encodeInferRequest('bench', withKeys ? keys.digest : undefined, query)
  const bodyFile = join(within, `${name}.query`)
  writeFileSync(bodyFile, body)
  const engine = openEngine(readFileSync(join(folder, serverFile)))
  const engineKeys = engine.readKeys(keys.evaluation)
  return {
    name,
    folder,
    keys,
    input,
    query,
    body,
    bodyFile,
    headers: { 'content-type': 'application/octet-stream', [lengthHeader]: String(headerLength) },
    engine,
    engineKeys,
    [Symbol.dispose]() {
      engineKeys[Symbol.dispose]()
      keys[Symbol.dispose]()
    },
  }
}

/** Throws for any status but those of success. */
export async function send(method: string, url: string, init: RequestInit = {}): Promise<Response> {
  const response = await fetch(url, { method, ...init })
  if (!response.ok && response.status !== 404)
    throw new Error(`${method} ${url}: ${response.status} ${await response.text()}`)
  return response
}

export async function uploadKeys(url: string, { keys }: Prepared): Promise<void> {
  await send('PUT', `${url}/v2/keys/${keys.digest}`, { body: keys.evaluation })
}

const agent = new Agent({ keepAlive: true })

/** One prediction over HTTP, the answer read to its end; by node:http, as what `fetch` costs a client is no cost of the service. */
export async function infer(url: string, { name, body, headers }: Prepared): Promise<void> {
  const options = { method: 'POST', agent, headers: { ...headers, 'content-length': body.length } }
  const sent = request(`${url}/v2/models/${name}/infer`, options).end(body)
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  const parts: Buffer[] = []
  for await (const part of response) parts.push(part as Buffer)
  if (response.statusCode !== 200) throw new Error(`infer: ${response.statusCode} ${Buffer.concat(parts)}`)
}
