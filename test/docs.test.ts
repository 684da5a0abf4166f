import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

// Every ```ts block of these pages runs as a module of its own; one that cannot is marked ```ts no-run.

const root = join(import.meta.dirname, '..')
const pages = [
  'README.md',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'examples/README.md',
  ...readdirSync(join(root, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
  ...readdirSync(join(root, 'packages')).map((name) => `packages/${name}/README.md`),
].filter((page) => existsSync(join(root, page)))

interface Snippet {
  readonly page: string
  /** Of its first line, from 1. */
  readonly line: number
  readonly code: string
}

function snippetsOf(page: string): Snippet[] {
  const found: Snippet[] = []
  let open: { info: string; line: number; code: string[] } | undefined
  readFileSync(join(root, page), 'utf8')
    .split('\n')
    .forEach((text, index) => {
      const fence = text.match(/^```(.*)$/)
      if (fence === null) open?.code.push(text)
      else if (open === undefined) open = { info: fence[1]!.trim(), line: index + 2, code: [] }
      else {
        if (open.info === 'ts') found.push({ page, line: open.line, code: open.code.join('\n') })
        else expect(open.info, `${page}:${open.line - 1}`).not.toMatch(/^(typescript|ts (?!no-run$))/)
        open = undefined
      }
    })
  expect(open, `${page} has a block that does not end`).toBeUndefined()
  return found
}

/** All TypeScript of the packages, as one text. */
const sources = readdirSync(join(root, 'packages'), { recursive: true, withFileTypes: true })
  .filter(({ name, parentPath }) => /(?<!\.generated)\.ts$/.test(name) && !/node_modules|\/dist(\/|$)/.test(parentPath))
  .map(({ name, parentPath }) => readFileSync(join(parentPath, name), 'utf8'))
  .join('\n')

const snippets = pages.flatMap(snippetsOf)
const folder = mkdtempSync(join(root, 'test/.snippets-'))
const failures = new Map<string, string>()

/** Lines are kept, so that those of a stack are those of the page. */
function fileOf({ page, line }: Snippet): string {
  return join(folder, `${page.replaceAll('/', '_')}_${line}.ts`)
}

beforeAll(async () => {
  for (const snippet of snippets) writeFileSync(fileOf(snippet), '\n'.repeat(snippet.line - 1) + snippet.code)
  // One process for all, as starting one costs more than most of them.
  const runner = join(folder, 'run.mjs')
  writeFileSync(
    runner,
    `console.log = console.table = () => {}
const failures = []
for (const file of JSON.parse(process.argv[2])) {
  try { await import(file) } catch (error) { failures.push([file, String(error?.stack ?? error)]) }
}
process.stdout.write(JSON.stringify(failures))`,
  )
  const files = JSON.stringify(snippets.map(fileOf))
  const { stdout } = await promisify(execFile)(process.execPath, ['--conditions=@glovebox/source', runner, files])
  for (const [file, stack] of JSON.parse(stdout) as [string, string][]) failures.set(file, stack)
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('a page', () => {
  test('has snippets, somewhere', () => expect(snippets.length).toBeGreaterThan(10))

  test.each(snippets)('$page:$line runs', (snippet) => {
    const stack = failures.get(fileOf(snippet))
    if (stack === undefined) return
    const line = stack.match(/_\d+\.ts:(\d+)/)?.[1] ?? snippet.line
    throw new Error(`${snippet.page}:${line}: ${stack.split('\n')[0]}`)
  })

  test.each(pages)('%s links to files that there are', (page) => {
    const text = readFileSync(join(root, page), 'utf8').replace(/^```[\s\S]*?^```/gm, '')
    for (const [, target] of text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)) {
      if (/^https?:/.test(target!)) continue
      expect(existsSync(join(root, dirname(page), target!)), `${page} → ${target}`).toBe(true)
    }
  })

  test.each(pages.filter((page) => page.startsWith('docs/')))('%s names files that there are', (page) => {
    const text = readFileSync(join(root, page), 'utf8')
    for (const [, path] of text.matchAll(/`((?:packages|examples|test|vectors|bench|scripts)\/[\w./-]+\w)`/g))
      expect(existsSync(join(root, path!)), `${page} names ${path}`).toBe(true)
    // Short forms are below packages/he/src.
    for (const [, path] of text.matchAll(
      /`((?:base|params|kernels|backend|ring|rlwe|schemes|circuits|interchange)\/[\w./-]+\.ts)`/g,
    ))
      expect(existsSync(join(root, 'packages/he/src', path!)), `${page} names ${path}`).toBe(true)
    expect(text.split('\n').length, `${relative(root, page)} is short`).toBeLessThan(260)
  })

  test.each(pages.filter((page) => page.startsWith('docs/')))('%s names functions that there are', (page) => {
    const text = readFileSync(join(root, page), 'utf8').replace(/^```[\s\S]*?^```/gm, '')
    for (const [, name] of text.matchAll(/`([a-z]+[A-Z][A-Za-z0-9]*)[(`]/g))
      expect(new RegExp(`\\b${name}\\b`).test(sources), `${page} names ${name}`).toBe(true)
  })

  test('docs/README.md lists all of docs', () => {
    const index = readFileSync(join(root, 'docs/README.md'), 'utf8')
    for (const name of readdirSync(join(root, 'docs')))
      if (name.endsWith('.md') && name !== 'README.md') expect(index).toContain(`(${name})`)
  })
})
