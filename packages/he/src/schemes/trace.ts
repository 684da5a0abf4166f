import createDebug from 'debug'
import { GloveboxError } from '../base/errors.ts'
import { scaleText, showAs, shown } from '../base/shown.ts'
import type { Params } from '../params/params.ts'

// `DEBUG=glovebox:*` in Node, `localStorage.debug = 'glovebox:*'` in a browser. One line for each operation: levels, scales, parts and time. Never a
// value, a coefficient, a seed or a key: what an operand is, is told by a list of what may be told.

type Operation = (...operands: never[]) => unknown

/** Operations whose second operand is a count of slots: part of the program, not of the data. */
const stepsOf: Readonly<Record<string, number>> = { rotate: 1, rotateHoisted: 1, rotateRows: 1, rotateRowsHoisted: 1 }

/**
 * The same object with its operations printed while `glovebox:name` is enabled; itself where it is not when the context is opened.
 * An operation that throws prints the name or code of the error, not its message.
 */
export function traced<T extends object>(name: string, api: T): T {
  const print = createDebug(`glovebox:${name}`)
  if (!print.enabled) return api
  const wrapped = Object.create(Object.getPrototypeOf(api) as object | null) as T
  for (const key of Reflect.ownKeys(api)) {
    const property = Object.getOwnPropertyDescriptor(api, key)!
    if (typeof key === 'string' && typeof property.value === 'function')
      property.value = timed(
        print,
        key,
        (property.value as Operation).bind(api) as Operation,
        describeOperands,
        describe,
      )
    Object.defineProperty(wrapped, key, property)
  }
  return wrapped
}

/**
 * A function of its own, printed as `glovebox:name` with its operands and result; itself where that is not enabled when the module is loaded. Of
 * functions that need the secret key the operands are left out.
 */
export function tracedFunction<F extends Operation>(channel: 'circuits' | 'secret', name: string, run: F): F {
  const print = createDebug(`glovebox:${channel}`)
  if (!print.enabled) return run
  return timed(print, name, run, channel === 'secret' ? () => '' : describeOperands, describe) as F
}

function timed(
  print: createDebug.Debugger,
  name: string,
  run: Operation,
  before: (name: string, operands: readonly unknown[]) => string,
  after: (result: unknown) => string,
): Operation {
  return (...operands) => {
    const start = performance.now()
    const line = (end: string): void =>
      print('%s', `${name}${before(name, operands)}${end} ${(performance.now() - start).toFixed(3)} ms`)
    try {
      const result = run(...operands)
      const text = after(result)
      line(text === '' ? '' : ` → ${text}`)
      return result
    } catch (error) {
      line(` ✗ ${error instanceof GloveboxError ? error.code : error instanceof Error ? error.name : 'error'}`)
      throw error
    }
  }
}

function describeOperands(name: string, operands: readonly unknown[]): string {
  const texts = operands.map((operand, i) =>
    stepsOf[name] === i && typeof operand === 'number' ? `by ${operand}` : describe(operand),
  )
  return `(${texts.filter((text) => text !== '').join(', ')})`
}

/** What may be told of a value: its kind, level, scale and parts; of keys for which level; of numbers and arrays nothing at all. */
function describe(value: unknown): string {
  if (value === null || typeof value !== 'object' || ArrayBuffer.isView(value)) return ''
  if (Array.isArray(value)) {
    const first = describe(value[0])
    return first === '' ? '' : `${value.length} × ${first}`
  }
  if ('kind' in value) return describeKind(value as { readonly kind: unknown })
  if ('decomposition' in value && 'ciphertext' in value) return `hoisted ${describe(value.ciphertext)}`
  if ('galois' in value && value.galois instanceof Map)
    return value.galois.size === 0
      ? 'no Galois keys'
      : `${value.galois.size} Galois key${value.galois.size === 1 ? '' : 's'}`
  if ('scale' in value || 'level' in value) return describePlace(value)
  return ''
}

const kinds: readonly unknown[] = ['ciphertext', 'plaintext', 'switching-key', 'public-key']

function describeKind(value: object & { readonly kind: unknown; readonly parts?: unknown }): string {
  // A secret key has no place among the operands of a scheme; should one be there, its kind is all that shows.
  if (!kinds.includes(value.kind)) return value.kind === 'secret-key' ? 'secret-key' : ''
  const parts = typeof value.parts === 'number' && value.parts !== 2 ? ` of ${value.parts} parts` : ''
  const place = describePlace(value)
  return `${value.kind as string}${parts}${place === '' ? '' : ` ${place}`}`
}

function describePlace(value: object & { readonly level?: unknown; readonly scale?: unknown }): string {
  const level = typeof value.level === 'number' ? [`level ${value.level}`] : []
  const scale = typeof value.scale === 'number' && value.scale !== 1 ? [`scale ${scaleText(value.scale)}`] : []
  return [...level, ...scale].join(' ')
}

/** Makes a context show as its parameters: `Ckks { ringDegree: 8192, levels: 3, … }`. */
export function shownAs<
  T extends { readonly params: Params; readonly ring: { readonly backend: { readonly name: string } } },
>(name: string, api: T): T {
  const show = showAs<T>(name, ({ params, ring }) => ({
    ringDegree: params.ringDegree,
    maxLevel: params.maxLevel,
    logQ: params.logQ.toFixed(1),
    logQP: params.special.length > 0 ? params.logQP.toFixed(1) : undefined,
    plaintextModulus: params.plaintextModulus,
    security: params.literal.security,
    backend: ring.backend.name,
  }))
  return Object.defineProperty(api, shown, { enumerable: false, value: show })
}
