import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

// The import graph of the workspace, read from the sources.

export const root: string = fileURLToPath(new URL('..', import.meta.url))

export interface Source {
  /** From the root of the repository, with forward slashes. */
  readonly path: string
  /** Without comments. */
  readonly text: string
  readonly imports: readonly Import[]
}

export interface Import {
  readonly specifier: string
  /** The source that it leads to, where that is one of this repository. */
  readonly target: string | undefined
  /** `import type` and `export type`: gone when the program runs. */
  readonly type: boolean
}

interface Manifest {
  readonly name: string
  readonly exports?: Readonly<Record<string, { readonly '@glovebox/source'?: string }>>
  readonly dependencies?: Readonly<Record<string, string>>
}

export interface Package {
  /** Folder name under packages/. */
  readonly folder: string
  readonly manifest: Manifest
}

export const packages: readonly Package[] = readdirSync(join(root, 'packages')).map((folder) => ({
  folder,
  manifest: JSON.parse(readFileSync(join(root, 'packages', folder, 'package.json'), 'utf8')) as Manifest,
}))

function withoutComments(text: string): string {
  // Strings first, so that `//` in one of them stays.
  return text.replaceAll(/'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|\/\*[\s\S]*?\*\/|\/\/[^\n]*/g, (found) =>
    found.startsWith('/') ? ' ' : found,
  )
}

function target(from: string, specifier: string): string | undefined {
  if (specifier.startsWith('.')) return relative(root, resolve(root, dirname(from), specifier)).replaceAll('\\', '/')
  for (const { folder, manifest } of packages) {
    if (specifier !== manifest.name && !specifier.startsWith(`${manifest.name}/`)) continue
    const entry = manifest.exports?.[`.${specifier.slice(manifest.name.length)}`]?.['@glovebox/source']
    if (entry === undefined) throw new Error(`${from} imports ${specifier}, which ${manifest.name} does not export`)
    return join('packages', folder, entry).replaceAll('\\', '/')
  }
  return undefined
}

const statement =
  /\b(?:import|export)\s+(type\s+)?(?:[\w*\s{},$]+?\s+from\s+)?['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]/g

/** Exported for the test of this file. */
export function importsOf(path: string, text: string): Import[] {
  return [...text.matchAll(statement)].map(([, type, fixed, dynamic]) => {
    const specifier = (fixed ?? dynamic)!
    return { specifier, target: target(path, specifier), type: type !== undefined }
  })
}

function files(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`
    if (entry.isDirectory()) return ['node_modules', 'dist', 'assembly'].includes(entry.name) ? [] : files(path)
    return /\.tsx?$/.test(entry.name) && !entry.name.endsWith('.d.ts') && !entry.name.endsWith('.generated.ts')
      ? [path]
      : []
  })
}

export const sources: ReadonlyMap<string, Source> = new Map(
  packages.flatMap(({ folder }) =>
    files(`packages/${folder}/src`).map((path): [string, Source] => {
      const text = withoutComments(readFileSync(join(root, path), 'utf8'))
      return [path, { path, text, imports: importsOf(path, text) }]
    }),
  ),
)

export function isTest(path: string): boolean {
  return /\.(test|bench)\.tsx?$/.test(path) || path.includes('/test-support/') || path.includes('/test/')
}

/** What a package ships. */
export function shipped(folder: string): Source[] {
  return [...sources.values()].filter(({ path }) => path.startsWith(`packages/${folder}/src/`) && !isTest(path))
}

/** A chain of imports from one of `starts` to a source that `wanted` accepts, or undefined. Types count. */
export function pathTo(starts: readonly string[], wanted: (path: string) => boolean): string[] | undefined {
  const from = new Map<string, string | undefined>(starts.map((start) => [start, undefined]))
  for (const path of from.keys()) {
    if (wanted(path)) {
      const chain: string[] = []
      for (let at: string | undefined = path; at !== undefined; at = from.get(at)) chain.unshift(at)
      return chain
    }
    for (const { target } of sources.get(path)?.imports ?? []) if (target && !from.has(target)) from.set(target, path)
  }
  return undefined
}

/** A circle of imports among `members`, or undefined. */
export function findCircle(members: readonly Source[]): string[] | undefined {
  const state = new Map<string, 'open' | 'done'>()
  const stack: string[] = []
  const visit = (path: string): string[] | undefined => {
    if (state.get(path) === 'done') return undefined
    if (state.get(path) === 'open') return [...stack.slice(stack.indexOf(path)), path]
    state.set(path, 'open')
    stack.push(path)
    for (const { target } of sources.get(path)?.imports ?? []) {
      const circle = target && sources.has(target) ? visit(target) : undefined
      if (circle) return circle
    }
    stack.pop()
    state.set(path, 'done')
    return undefined
  }
  for (const { path } of members) {
    const circle = visit(path)
    if (circle) return circle
  }
  return undefined
}
