import { join } from 'node:path'
import { type ClientKeys, type ClientModel, decodeKeys, decodeSecretKey, openModel } from '@glovebox/client'
import { ByteWriter, createParams, encodeFrame, GloveboxError, type Params, writeEvaluationKeys } from '@glovebox/he'
import type { SecretKey } from '@glovebox/he/secret'
import { bundle, type CompileOptions, compile, type Graph, type Model, needsKeys, type Program } from '@glovebox/ml'
import { makeFolder, readInput, within, writeOutput } from './files.ts'

// The files that the commands hand to each other.

export const clientFile = 'client.gbx'
export const serverFile = 'server.gbx'
export const secretFile = 'secret.key'
export const evaluationFile = 'evaluation.key'

export interface WrittenBundle {
  readonly params: Params
  readonly program: Program
  readonly clientBytes: number
  readonly serverBytes: number
}

/** Compiles a model into a folder. `onClient` is called with the client part before anything is written, and may throw. */
export async function writeBundle(
  folder: string,
  model: Model | Graph,
  options: CompileOptions,
  onClient: (client: Uint8Array) => Promise<void> = async () => undefined,
): Promise<WrittenBundle> {
  const program = compile(model, options)
  const { client, server } = bundle(program, options.costTable)
  await onClient(client)
  await makeFolder(folder)
  await writeOutput(join(folder, serverFile), server)
  await writeOutput(join(folder, clientFile), client)
  return { params: createParams(program.params), program, clientBytes: client.length, serverBytes: server.length }
}

/** Opens the client part of a bundle, given itself or the folder that `glovebox compile` made. */
export async function openClientFile(path: string): Promise<ClientModel> {
  const file = await within(path, clientFile)
  const bytes = await readInput(file)
  return of(file, () => openModel(bytes))
}

/** The secret key in a folder of keys. */
export async function openSecretFile(model: ClientModel, folder: string): Promise<SecretKey> {
  const file = await within(folder, secretFile)
  const bytes = await readInput(file)
  return of(file, () => decodeSecretKey(model, bytes))
}

/** Both keys in a folder of keys, checked to belong together. */
export async function openKeyFiles(model: ClientModel, folder: string): Promise<ClientKeys> {
  const secret = await readInput(join(folder, secretFile))
  const evaluation = needsKeys(model.part.keys) ? await readInput(join(folder, evaluationFile)) : noKeys(model)
  return of(folder, () => decodeKeys(model, secret, evaluation))
}

/** The evaluation keys of a model that needs none: the same for everybody, so no file has them. */
function noKeys({ part, context }: ClientModel): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter()
  writeEvaluationKeys(writer, context.ring, { relinearisation: undefined, galois: new Map() })
  return encodeFrame('evaluation keys of a program', part.digest, writer.done()) as Uint8Array<ArrayBuffer>
}

/** Runs what reads a file; its errors say which file it was. */
export function of<T>(file: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof GloveboxError)
      throw new GloveboxError(error.code, `${file}: ${error.message}`, { cause: error })
    throw blame(file, error)
  }
}

/** What is thrown for numbers that a model does not take, with the file that they came from; other errors as they are. */
export function blame(file: string, error: unknown): unknown {
  if (error instanceof RangeError) return new RangeError(`${file}: ${error.message}`, { cause: error })
  if (error instanceof TypeError) return new TypeError(`${file}: ${error.message}`, { cause: error })
  return error
}
