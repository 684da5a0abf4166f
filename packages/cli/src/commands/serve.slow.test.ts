import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { connect, createKeys, type RemoteModel } from '@glovebox/client'
import { beforeAll, describe, expect, test } from 'vitest'
import { compileTiny, type Tiny, tinySamples } from '../../../client/test/tiny.ts'
import {
  glovebox,
  gloveboxWith,
  type RunningServer,
  serve,
  serveWith,
  succeed,
  testFolder,
} from '../../test/glovebox.ts'
import { makeFolder } from '../files.ts'

// A server process and its clients, over HTTP on this machine.

const folder = testFolder()
const model = join(folder, 'tiny')
const samples = tinySamples(2)
let tiny: Tiny

beforeAll(async () => {
  tiny = compileTiny()
  await makeFolder(model)
  writeFileSync(join(model, 'client.gbx'), tiny.client)
  writeFileSync(join(model, 'server.gbx'), tiny.server)
  writeFileSync(join(folder, 'x.json'), JSON.stringify(samples))
})

function expectClose(outputs: readonly ArrayLike<number>[], inputs: readonly number[][]): void {
  expect(outputs).toHaveLength(inputs.length)
  outputs.forEach((row, i) => {
    for (const [j, value] of Array.from(row).entries())
      expect(Math.abs(value - tiny.expected(inputs[i]!)[j]!)).toBeLessThan(0.01)
  })
}

const predict = (url: string, ...more: string[]) =>
  glovebox('predict', 'tiny', '--server', url, '--input', join(folder, 'x.json'), ...more)

describe.concurrent('predict', () => {
  test('gives what the model gives in the clear, with fresh keys and with those of keygen', async () => {
    const { url, lines } = await serve(model, '--port', '0')
    await succeed('keygen', model, '-o', join(folder, 'keys'))
    const [fresh, stored] = await Promise.all([
      predict(url, '--json'),
      predict(url, '--json', '--keys', join(folder, 'keys')),
    ])
    for (const { code, stdout } of [fresh, stored]) {
      expect(code).toBe(0)
      expectClose(JSON.parse(stdout).outputs, samples)
    }
    const log = JSON.stringify(lines)
    expect(lines.filter(({ msg }) => msg === 'query answered')).toHaveLength(2)
    for (const value of samples[0]!) expect(log).not.toContain(String(value))
  })

  test('of a model that is not there names those that are', async () => {
    const { url } = await serve(model, '--port', '0')
    const { code, stderr } = await glovebox('predict', 'cats', '--server', url, '--input', join(folder, 'x.json'))
    expect([code, stderr]).toEqual([1, expect.stringContaining(`there is no model "cats" at ${url}; there are: tiny`)])
  })

  test('without a server says that it cannot be reached', async () => {
    const { code, stderr } = await predict('http://127.0.0.1:9')
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/^glovebox: the server at http:\/\/127\.0\.0\.1:9 cannot be reached/),
    ])
  })
})

describe.concurrent('serve', () => {
  test('says which port is in use', async () => {
    const other = createServer()
    const port = await new Promise<number>((resolve) =>
      other.listen(0, '127.0.0.1', () => resolve((other.address() as { port: number }).port)),
    )
    const { code, stderr } = await glovebox('serve', model, '--port', String(port))
    other.close()
    expect([code, stderr]).toEqual([
      1,
      `glovebox: port ${port} of 127.0.0.1 cannot be opened: it is in use; try --port ${port + 1} (npm start -- --port ${port + 1})\n`,
    ])
  })

  test('asks for a first token where nobody could ever make one', async () => {
    const data = join(folder, 'nobody')
    const { code, stderr } = await glovebox('serve', '--tokens', '--port', '0', '--data', data)
    expect([code, stderr]).toEqual([1, expect.stringMatching(/none with the scope admin.*set GLOVEBOX_ADMIN_TOKEN/)])
    const first = await serveWith({ GLOVEBOX_ADMIN_TOKEN: 'x'.repeat(32) }, '--port', '0', '--data', data)
    const env = { GLOVEBOX_SERVER: first.url, GLOVEBOX_TOKEN: 'x'.repeat(32) }
    const made = await gloveboxWith(env, 'token', 'create', '--tenant', 'us', '--scope', 'admin')
    expect(made.code).toBe(0)
    await first.kill('SIGTERM')
    // That one is enough from now on.
    await serve('--tokens', '--port', '0', '--data', data)
  })

  test('says which part of a bundle is missing or of another program', async () => {
    const none = await glovebox('serve', join(folder, 'none'), '--port', '0')
    expect([none.code, none.stderr]).toEqual([1, expect.stringContaining(join(folder, 'none/client.gbx'))])
    const torn = join(folder, 'torn')
    await makeFolder(torn)
    writeFileSync(join(torn, 'client.gbx'), compileTiny(2).client)
    writeFileSync(join(torn, 'server.gbx'), tiny.server)
    const { code, stderr } = await glovebox('serve', torn, '--port', '0')
    expect([code, stderr]).toEqual([1, expect.stringMatching(/torn: .*two programs/)])
  })

  test('lets a query finish when it is asked to stop, and ends with code 0', async () => {
    const { url, kill, lines } = await serve(model, '--port', '0')
    const remote = await connect(url).model('tiny')
    using keys = createKeys(remote)
    await remote.predict(samples, keys)
    // No more than one request holds: the next one would be refused.
    const many = tinySamples(16)
    const running = remote.predict(many, keys)
    await untilReceived(lines, 2)
    const code = kill('SIGTERM')
    expectClose((await running).outputs, many)
    expect(await code).toBe(0)
  })

  test('answers while it computes', async () => {
    const { url, lines } = await serve(model, '--port', '0')
    const remote = await connect(url).model('tiny')
    using keys = createKeys(remote)
    await remote.predict(samples, keys)
    const order: string[] = []
    const running = remote.predict(tinySamples(40), keys).then(() => order.push('prediction'))
    await untilReceived(lines, 2)
    for (let i = 0; i < 3; i++) {
      expect((await fetch(`${url}/v2/health/ready`)).status).toBe(200)
      order.push('health')
    }
    await running
    expect(order.at(-1)).toBe('prediction')
  })

  test('killed in the middle of a query: the client says so, and after a restart the same call works', async () => {
    const { url, port, kill, lines } = await serve(model, '--port', '0')
    const remote = await connect(url).model('tiny')
    using keys = createKeys(remote)
    await remote.predict(samples, keys)
    const running = remote.predict(tinySamples(40), keys)
    const failed = expect(running).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(/cannot be reached or closed the connection/),
    })
    await untilReceived(lines, 2)
    await kill('SIGKILL')
    await failed
    await serve(model, '--port', String(port))
    expectClose((await remote.predict(samples, keys)).outputs, samples)
  })

  test('restarted in between: the client asks again and uploads its keys again', async () => {
    const { url, port, kill } = await serve(model, '--port', '0')
    const remote: RemoteModel = await connect(url).model('tiny')
    using keys = createKeys(remote)
    await kill('SIGKILL')
    await serve(model, '--port', String(port))
    expectClose((await remote.predict(samples, keys)).outputs, samples)
  })
})

/** Until the server has so many queries; tens of samples keep it busy for longer than what follows takes. */
async function untilReceived(lines: RunningServer['lines'], count: number): Promise<void> {
  while (lines.filter(({ msg }) => msg === 'query received').length < count)
    await new Promise((resolve) => setTimeout(resolve, 10))
}
