import {
  ByteWriter,
  digest,
  encodeFrame,
  equalBytes,
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
  const { ckks, part } = model
  const { rotations, relinearisation } = part.keys
  requireReasonable(model)
  const total = rotations.length + (relinearisation === undefined ? 0 : 1)
  const secret = createSecretKey(ckks)
  const made: SwitchingKey[] = []
  const keep = (key: SwitchingKey): SwitchingKey => {
    made.push(key)
    options.onProgress?.(made.length, total)
    return key
  }
  try {
    const galois = new Map<number, SwitchingKey>()
    for (const rotation of rotations) {
      for (const [element, key] of createGaloisKeys(ckks, secret, [rotation])) galois.set(element, keep(key))
    }
    const keys = {
      relinearisation:
        relinearisation === undefined
          ? undefined
          : keep(createRelinearisationKey(ckks, secret, { level: relinearisation })),
      galois,
    }
    const writer = new ByteWriter()
    writeEvaluationKeys(writer, ckks.ring, keys)
    if (needsKeys(part.keys)) writeMask(writer, model, secret)
    const evaluation = encodeFrame(
      'evaluation keys of a program',
      part.digest,
      writer.done(),
    ) as Uint8Array<ArrayBuffer>
    return pair(model, secret, evaluation)
  } catch (error) {
    secret[Symbol.dispose]()
    throw error
  } finally {
    for (const key of made) key[Symbol.dispose]()
  }
}

/** A client part comes from the server, which must not have us make keys without end. */
function requireReasonable({ ckks: { params }, part: { keys } }: ClientModel): void {
  const levels = keys.rotations.map(({ level }) => level)
  const bytes = levels.reduce((sum, level) => sum + switchingKeyBytes(params, level), 0)
  if (bytes <= maxKeyBytes) return
  throw new GloveboxError(
    'too-large',
    `the model asks for ${levels.length} rotation keys of ${bytes} bytes, at most ${maxKeyBytes} are made`,
  )
}

function pair(model: ClientModel, secret: SecretKey, evaluation: Uint8Array<ArrayBuffer>): ClientKeys {
  const dispose = (): void => secret[Symbol.dispose]()
  return { model, secret, evaluation, digest: toHex(digest(evaluation)), [Symbol.dispose]: dispose }
}

/**
 * The secret key as a frame of kind 'secret key of a program', with the digest of the evaluation keys that were made from it: a
 * secret key beside evaluation keys of another would decrypt to noise. Keep it where only its owner can read it.
 */
export function encodeSecretKey(keys: ClientKeys): Uint8Array<ArrayBuffer> {
  const { part, ckks } = keys.model
  const writer = new ByteWriter(ckks.ring.n / 4 + 32)
  writer.raw(digest(keys.evaluation))
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
  if (!equalBytes(evaluationDigest, digest(evaluation))) {
    secret[Symbol.dispose]()
    throw new GloveboxError(
      'parameters-mismatch',
      'the evaluation keys were not made from this secret key: use both from one key generation',
    )
  }
  return pair(model, secret, evaluation)
}

function readSecret(model: ClientModel, bytes: Uint8Array): { secret: SecretKey; evaluationDigest: Uint8Array } {
  const body = openFrame(model, bytes, 'secret key of a program', 'the secret key')
  const evaluationDigest = body.slice(32, 'digest of the evaluation keys').slice()
  const secret = readSecretKey(body, model.ckks.ring)
  try {
    body.end()
  } catch (error) {
    secret[Symbol.dispose]()
    throw error
  }
  return { secret, evaluationDigest }
}
