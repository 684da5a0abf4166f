// 07 — Client and server
//
// Two processes: this one is the client, server.ts the other. They share contract.ts, which is public, and exchange bytes. The client
// gets a score for 32 numbers that the server never sees, by weights that the client never sees. Then the client
// turns hostile, and the server has to stand it.
//
//     npm run example -- 07

import { fork } from 'node:child_process'
import { once } from 'node:events'
import {
  ciphertextBytes,
  createParams,
  decodeFrame,
  encodeCiphertext,
  encodeEvaluationKeys,
  encodeFrame,
  fromHex,
  openCkks,
  readReply,
  switchingKeyBytes,
} from '@glovebox/he'
import {
  createGaloisKeys,
  createSecretKey,
  decodeSecretKey,
  decrypt,
  encodeSecretKey,
  encryptSymmetric,
} from '@glovebox/he/secret'
import { bytes, check, numbers, section, show, timed, title } from '../print.ts'
import { features, literal, type Request, type Response, rotations } from './contract.ts'

title('07  Client and server')

const server = fork(new URL('server.ts', import.meta.url), { serialization: 'advanced' })
async function ask(request: Request): Promise<Response> {
  server.send(request)
  const [response] = await once(server, 'message')
  return response as Response
}
async function accepted(request: Request): Promise<Uint8Array> {
  const response = await ask(request)
  if ('code' in response) throw new Error(`${response.code}: ${response.message}`)
  return response.bytes
}

// Both sides build the parameters from the same literal. Same literal, same primes, same digest: every frame on the wire
// carries the digest, so bytes under other parameters are refused by name and never computed on.
const ckks = openCkks(createParams(literal))
const { params } = ckks
section('the client makes keys')
show('digest of the parameters', `${params.digest.slice(0, 16)}…`)

// A secret key outlives a program run, so it has a serial form: two bits for each of its N coefficients. It belongs into a file that
// only its owner can read, or a platform's key store, and never onto the wire. In a log line it shows as its kind alone.
const stored = encodeSecretKey(createSecretKey(ckks))
using secret = decodeSecretKey(ckks, stored)
show('secret key, stored', bytes(stored.length))
show('secret key, logged by accident', JSON.stringify(secret))

// All rotations happen at level 0, so the keys are made for it: a third of the bytes here, far less in deep programs.
// Sizes are known before anything is made; a client can tell its user what it is about to upload.
show('five keys for level 1, for level 0', [1, 0].map((l) => bytes(5 * switchingKeyBytes(params, l))).join(', '))
const evaluationKeys = timed('make and encode them', () => {
  const galois = createGaloisKeys(
    ckks,
    secret,
    rotations.map((steps) => ({ steps, level: 0 })),
  )
  const encoded = encodeEvaluationKeys(ckks, { relinearisation: undefined, galois })
  for (const key of galois.values()) key[Symbol.dispose]()
  return encoded
})
show('evaluation keys, sent once', bytes(evaluationKeys.length))
await accepted({ kind: 'keys', bytes: evaluationKeys })

// The query. Its 32 numbers are repeated through all slots, which costs nothing: rotations then go around within each repetition, and the
// result comes out the same everywhere, which makes the reply small.
section('a query')
const x = Float64Array.from({ length: features }, (_, i) => Math.cos(3 * i))
const repeated = Float64Array.from({ length: params.slots }, (_, i) => x[i % features]!)
using encoded = ckks.encode(repeated, { scale: 2 ** 30 })
using ct = encryptSymmetric(ckks, secret, encoded)
const query = encodeCiphertext(ct)
show('query: ciphertext with its seed', `${bytes(query.length)}, without: ${bytes(ciphertextBytes(params, 1, false))}`)
const start = performance.now()
const reply = await accepted({ kind: 'query', bytes: query })
show('round trip to the other process', `${(performance.now() - start).toFixed(1)} ms`)
show('reply', bytes(reply.length))

// A reply is as untrusted as anything from outside: it has to be a reply, short, and bound to our parameters. Decryption itself cannot
// fail: from a wrong ciphertext comes a wrong number. No error here may be reported back to the server in detail, since a server that
// learns which replies decrypt well learns about the key.
section('open the reply')
const frame = decodeFrame(reply, 'reply', { owner: fromHex(params.digest), maxBytes: 50_000 })
using answer = readReply(frame.body, ckks.ring)
frame.body.end()
using decrypted = decrypt(ckks, secret, answer)
const score = ckks.decode(decrypted)[0]!
const expected = x.reduce((sum, v, i) => sum + v * (Math.sin(1 + i) / 8), 0.25)
show('score', numbers([score], 1, 5))
check('score', [score], [expected], 2 ** -9)
show('bytes in all: once, up, down', [evaluationKeys, query, reply].map((b) => bytes(b.length)).join(', '))

// Now everything that a client might send instead. Each decoder takes bytes, parameters and a limit; it checks every length before it
// allocates and every residue before it computes. A checksum finds damage early; it is no signature, as whoever
// forges a frame computes the checksum too.
section('hostile input')
const owner = fromHex(params.digest)
const body = query.slice(44, -16)
const patched = (at: number, ...values: number[]): Uint8Array => {
  const copy = body.slice()
  copy.set(values, at)
  return copy
}
const damaged = query.slice()
damaged[1000]! ^= 1
const otherParams = createParams({ ...literal, modulusBits: [36, 33] })
const attacks: readonly [string, string, Uint8Array][] = [
  ['noise', 'malformed', new Uint8Array(100).fill(7)],
  ['half a query', 'malformed', query.subarray(0, query.length / 2)],
  ['one bit turned', 'malformed', damaged],
  ['keys in place of a query, too long', 'too-large', evaluationKeys],
  ['other parameters', 'parameters-mismatch', encodeFrame('ciphertext', fromHex(otherParams.digest), body)],
  ['a level that is not there', 'malformed', encodeFrame('ciphertext', owner, patched(2, 200))],
  ['an infinite scale', 'malformed', encodeFrame('ciphertext', owner, patched(3, 0, 0, 0, 0, 0, 0, 0xf0, 0x7f))],
  [
    'a residue that is not below its prime',
    'malformed',
    encodeFrame('ciphertext', owner, patched(43, 255, 255, 255, 255, 255)),
  ],
  ['a byte behind the end', 'malformed', encodeFrame('ciphertext', owner, new Uint8Array([...body, 0]))],
]
for (const [what, code, hostile] of attacks) {
  const response = await ask({ kind: 'query', bytes: hostile })
  if (!('code' in response) || response.code !== code) throw new Error(`${what}: expected ${code}`)
  console.log(`  ${what}\n    → ${response.code}: ${response.message}`)
}
// And the server still works.
check('the same query again', [(await accepted({ kind: 'query', bytes: query })).length], [reply.length], 0)
server.disconnect()

// What this protocol does not give: the server may compute something else and the client cannot tell, and a client that asks often enough
// learns the weights from the scores. SECURITY.md has the whole list.
