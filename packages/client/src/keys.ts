import {
  ByteWriter,
  digest,
  digestAsync,
  encodeFrame,
  encodeFrameAsync,
  equalBytes,
  fromHex,
  GloveboxError,
  type SwitchingKey,
  switchingKeyBytes,
  toHex,
  writeEvaluationKeys,
} from '@glovebox/he'
import {
  createGaloisKeys,
  createRelinearisationKey,
  createSecretKey,
  readSecretKey,
  type SecretKey,
  writeSecretKey,
} from '@glovebox/he/secret'
import { needsKeys } from '@glovebox/ml'
import { writeMask } from './mask.ts'
import { type ClientModel, openFrame } from './model.ts'

/** The most that is made of evaluation keys: 1 GiB, as much as a frame may hold. */
const maxKeyBytes = 2 ** 30
/** Room for the mask and lengths, so that the writer need not grow: 1 MiB. */
const slackBytes = 2 ** 20

/** A client's keys for one model. */
export interface ClientKeys extends Disposable {
  /** The model, in the context that the secret key lives in. */
  readonly model: ClientModel
  /** Encrypts and decrypts; never leaves the client. */
  readonly secret: SecretKey
  /** A frame of kind 'evaluation keys of a program', for the server. */
  readonly evaluation: Uint8Array<ArrayBuffer>
  /** The SHA-256 of `evaluation`, by which a server knows them. */
  readonly digest: string
}

/** What `createKeys` may be told. */
export interface CreateKeysOptions {
  /** Called after each key with how many are made and how many there will be. */
  readonly onProgress?: (done: number, total: number) => void
}

/** Fresh keys: a secret one, and the evaluation keys that the model's program uses, each at the level that it is used at. */
export function createKeys(model: ClientModel, options: CreateKeysOptions = {}): ClientKeys {
  const making = makeKeys(model)
  for (;;) {
    const { done, value } = making.next()
    if (!done) {
      options.onProgress?.(...value)
      continue
    }
    const { secret, body } = value
    const evaluation = encodeFrame(frameKind, model.part.digest, body) as Uint8Array<ArrayBuffer>
    return pair(model, secret, evaluation, digest(evaluation))
  }
}

/** How long keys are made in one go before others have their turn: messages, abortion. */
const turnMs = 40

/** As `createKeys`, with a pause every few keys, in which it can be aborted. */
export async function createKeysInTurns(
  model: ClientModel,
  options: CreateKeysOptions & { readonly signal?: AbortSignal | undefined } = {},
): Promise<ClientKeys> {
  const making = makeKeys(model)
  let turn = performance.now()
  for (;;) {
    const { done, value } = making.next()
    if (done) {
      const { secret, body } = value
      const evaluation = (await encodeFrameAsync(frameKind, model.part.digest, body)) as Uint8Array<ArrayBuffer>
      return pair(model, secret, evaluation, await digestAsync(evaluation))
    }
    options.onProgress?.(...value)
    if (performance.now() - turn < turnMs) continue
    await new Promise((resolve) => setTimeout(resolve))
    turn = performance.now()
    if (options.signal?.aborted) {
      making.return(undefined as never)
      throw options.signal.reason
    }
  }
}

const frameKind = 'evaluation keys of a program'

interface Made {
  readonly secret: SecretKey
  /** Of the frame with the evaluation keys. */
  readonly body: Uint8Array
}

/** Makes a key at each step and says how many are made and how many there will be. */
function* makeKeys(model: ClientModel): Generator<[done: number, total: number], Made, void> {
  const { context, part } = model
  const { rotations, relinearisation } = part.keys
  const bytes = requireReasonable(model)
  const total = rotations.length + (relinearisation === undefined ? 0 : 1)
  const secret = createSecretKey(context)
  const made: SwitchingKey[] = []
  let whole = false
  const keep = (key: SwitchingKey): SwitchingKey => {
    made.push(key)
    return key
  }
  try {
    const galois = new Map<number, SwitchingKey>()
    for (const rotation of rotations) {
      for (const [element, key] of createGaloisKeys(context, secret, [rotation])) galois.set(element, keep(key))
      yield [made.length, total]
    }
    const keys = {
      relinearisation:
        relinearisation === undefined
          ? undefined
          : keep(createRelinearisationKey(context, secret, { level: relinearisation })),
      galois,
    }
    if (relinearisation !== undefined) yield [made.length, total]
    const writer = new ByteWriter(bytes + slackBytes)
    writeEvaluationKeys(writer, context.ring, keys)
    if (needsKeys(part.keys)) writeMask(writer, model, secret)
    whole = true
    return { secret, body: writer.done() }
  } finally {
    if (!whole) secret[Symbol.dispose]()
    for (const key of made) key[Symbol.dispose]()
  }
}

/** About the bytes of all keys. A client part comes from the server, which must not have us make keys without end. */
function requireReasonable({ context: { params }, part: { keys } }: ClientModel): number {
  const levels = keys.rotations.map(({ level }) => level)
  if (keys.relinearisation !== undefined) levels.push(keys.relinearisation)
  const bytes = levels.reduce((sum, level) => sum + switchingKeyBytes(params, level), 0)
  if (bytes <= maxKeyBytes) return bytes
  throw new GloveboxError(
    'too-large',
    `the model asks for ${levels.length} evaluation keys of ${bytes} bytes, at most ${maxKeyBytes} are made`,
  )
}

function pair(
  model: ClientModel,
  secret: SecretKey,
  evaluation: Uint8Array<ArrayBuffer>,
  digest: Uint8Array,
): ClientKeys {
  const dispose = (): void => secret[Symbol.dispose]()
  return { model, secret, evaluation, digest: toHex(digest), [Symbol.dispose]: dispose }
}

/**
 * The secret key as a frame of kind 'secret key of a program', with the digest of the evaluation keys that were made from it: a
 * secret key beside evaluation keys of another would decrypt to noise. Keep it where only its owner can read it.
 */
export function encodeSecretKey(keys: ClientKeys): Uint8Array<ArrayBuffer> {
  const { part, context } = keys.model
  const writer = new ByteWriter(context.ring.n / 4 + 32)
  writer.raw(fromHex(keys.digest))
  writeSecretKey(writer, keys.secret)
  const frame = encodeFrame('secret key of a program', part.digest, writer.done()) as Uint8Array<ArrayBuffer>
  writer.done().fill(0)
  return frame
}

/** Reads a secret key; throws GloveboxError `parameters-mismatch` for one of another model. */
export function decodeSecretKey(model: ClientModel, bytes: Uint8Array): SecretKey {
  return readSecret(model, bytes).secret
}

/** Reads both keys and checks that they belong together. */
export function decodeKeys(
  model: ClientModel,
  secretBytes: Uint8Array,
  evaluation: Uint8Array<ArrayBuffer>,
): ClientKeys {
  openFrame(model, evaluation, 'evaluation keys of a program', 'the evaluation keys')
  const { secret, evaluationDigest } = readSecret(model, secretBytes)
  const found = digest(evaluation)
  if (!equalBytes(evaluationDigest, found)) {
    secret[Symbol.dispose]()
    throw new GloveboxError(
      'parameters-mismatch',
      'the evaluation keys were not made from this secret key: use both from one key generation',
    )
  }
  return pair(model, secret, evaluation, found)
}

function readSecret(model: ClientModel, bytes: Uint8Array): { secret: SecretKey; evaluationDigest: Uint8Array } {
  const body = openFrame(model, bytes, 'secret key of a program', 'the secret key')
  const evaluationDigest = body.slice(32, 'digest of the evaluation keys').slice()
  const secret = readSecretKey(body, model.context.ring)
  try {
    body.end()
  } catch (error) {
    secret[Symbol.dispose]()
    throw error
  }
  return { secret, evaluationDigest }
}
