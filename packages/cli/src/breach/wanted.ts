import { basename, resolve } from 'node:path'
import { GloveboxError } from '@glovebox/he'
import { createHardening, type Hardening, type ItemKind } from '@glovebox/psi'
import { isSetName, type PsiSet } from '@glovebox/psi/sender'

/** Of `glovebox breach build`. */
export interface BuildOptions {
  readonly output: string
  readonly name?: string
  /** Default: passwords; with `rotate` what the set was, as all that follows. */
  readonly kind?: ItemKind
  readonly labels?: string
  readonly column?: string
  readonly labelBytes?: number
  /** False by --no-prefix. */
  readonly prefixBits?: number
  readonly prefix?: boolean
  readonly receiverItems?: number
  readonly items?: number
  readonly params?: string
  readonly verifiable?: boolean
  readonly hardening?: number | 'none'
  readonly threads?: number
  readonly rotate?: boolean
  readonly json?: boolean
}

/** What a set is to be: options that were given, then what it was before, then defaults. */
export interface Wanted {
  readonly name: string
  readonly kind: ItemKind
  readonly labels: string | undefined
  readonly column: string | undefined
  /** Undefined: as the list has them. 0 without labels. */
  readonly labelBytes: number | undefined
  readonly prefixBits: number
  readonly receiverItems: number
  readonly verifiable: boolean
  /** With a salt of its own. */
  readonly hardening: Hardening
  readonly method: PsiSet['params']['method'] | undefined
}

/** Of the first epoch. */
export function wantedNew(options: BuildOptions): Wanted {
  const { labels, column, labelBytes, receiverItems = 1, verifiable = false } = options
  const kind = options.kind ?? 'passwords'
  const name =
    options.name ??
    basename(resolve(options.output))
      .toLowerCase()
      .replace(/[^a-z0-9._-]/g, '-')
  if (!isSetName(name))
    throw new RangeError(
      `"--name" expected 1 to 63 of a-z, 0-9, ".", "_" and "-", beginning with a letter or digit, got "${name}"`,
    )
  if (column !== undefined) requireLabels(labels)
  return {
    name,
    kind,
    labels,
    column,
    labelBytes: labels === undefined ? 0 : labelBytes,
    prefixBits: options.prefix === false ? 0 : (options.prefixBits ?? 0),
    receiverItems,
    verifiable,
    hardening: hardeningOf(kind, options.hardening),
    method: undefined,
  }
}

/** Of an epoch after another one, which it is like. @throws GloveboxError `parameters-mismatch` for an option that says otherwise. */
export function wantedLike(set: PsiSet, options: BuildOptions): Wanted {
  const other = otherOption(set, options)
  if (other !== undefined)
    throw new GloveboxError(
      'parameters-mismatch',
      `the set "${set.name}" was built ${other}, and its next epoch is to be like it: leave the option out, or build another set in another folder`,
    )
  const { name, kind, params, hardening, origin } = set
  using key = set.readKey()
  return {
    name,
    kind,
    ...columnsOf(set, options),
    labelBytes: params.labelBytes,
    prefixBits: params.prefixBits,
    receiverItems: options.receiverItems ?? origin.receiverItems ?? 1,
    verifiable: key.mode === 'voprf',
    hardening: hardening.algorithm === 'none' ? hardening : createHardening(withoutSalt(hardening)),
    method: params.method,
  }
}

/** Columns of a list for a set that is there: those that are given, or those that it was built with. */
export function columnsOf(
  { name, params, origin }: Pick<PsiSet, 'name' | 'params' | 'origin'>,
  { labels = origin.labels, column = origin.column }: Pick<BuildOptions, 'labels' | 'column'>,
): Pick<Wanted, 'labels' | 'column'> {
  if (params.labelBytes === 0) {
    if (column !== undefined) requireLabels(undefined)
    return { labels: undefined, column: undefined }
  }
  if (labels === undefined)
    throw new GloveboxError(
      'parameters-mismatch',
      `the set "${name}" has labels: say by --labels COLUMN which column of the list, in CSV, has them`,
    )
  return { labels, column }
}

function requireLabels(labels: string | undefined): void {
  if (labels === undefined)
    throw new GloveboxError(
      'parameters-mismatch',
      '"--column" is of a list in CSV, which is for sets with labels: add --labels COLUMN, or give a list with an item a line',
    )
}

/** What of a set differs from an option that was given, as it was given when the set was built. */
export function otherOption(set: PsiSet, options: BuildOptions): string | undefined {
  const { name, kind, params, hardening } = set
  using key = set.readKey()
  const prefixBits = options.prefix === false ? 0 : options.prefixBits
  const cost = hardening.algorithm === 'none' ? 'none' : hardening.N
  const differs = <T>(asked: T | undefined, is: T): boolean => asked !== undefined && asked !== is
  if (differs(options.name, name)) return `with --name ${name}`
  if (differs(options.kind, kind)) return `with --kind ${kind}`
  if (differs(prefixBits, params.prefixBits)) return `with --prefix-bits ${params.prefixBits}`
  if (options.verifiable && key.mode !== 'voprf') return 'without --verifiable'
  if (differs(options.hardening, cost)) return `with --hardening ${cost}`
  if (params.labelBytes === 0 && options.labels !== undefined) return 'without --labels'
  if (differs(options.labelBytes, params.labelBytes))
    return params.labelBytes === 0 ? 'without --labels' : `with --label-bytes ${params.labelBytes}`
  return undefined
}

function hardeningOf(kind: ItemKind, cost: number | 'none' | undefined): Hardening {
  const guessable = kind === 'passwords' || kind === 'credentials'
  if (cost === 'none' || (cost === undefined && !guessable)) return { algorithm: 'none' }
  return createHardening(cost === undefined ? {} : { N: cost })
}

function withoutSalt({
  N,
  r,
  p,
}: Exclude<Hardening, { readonly algorithm: 'none' }>): Parameters<typeof createHardening>[0] {
  return { N, r, p }
}
