// All that the public entries export, members of interfaces and classes included, with their docstrings. Read from the sources by the TypeScript 6
// that api-extractor brings: TypeScript 7 has no compiler API in JavaScript yet.
import { createRequire } from 'node:module'
import { relative } from 'node:path'
import type * as Compiler from 'typescript'
import { publicEntries, root } from './entries.ts'
import { createThrownErrors } from './thrown-errors.ts'

const extractor = createRequire(createRequire(import.meta.url).resolve('@microsoft/api-extractor'))
const ts = extractor('typescript') as typeof Compiler

export interface PublicSymbol {
  /** Ckks.rescale */
  readonly name: string
  /** packages/he/src/schemes/ckks/ckks.ts:42 */
  readonly where: string
  /** The docstring with its tags. */
  readonly text: string
  /** Of a function or method, or of what implements it: see thrown-errors.ts. */
  readonly errors: readonly string[]
  /** Whether it is a property that is a number or has numbers in an array. */
  readonly numeric: boolean
}

/** Every symbol once, by the place where it is declared; entries that export it again do not repeat it. */
export function publicSymbols(): PublicSymbol[] {
  const entries = publicEntries()
  const program = ts.createProgram(
    entries.map((entry) => entry.source),
    {
      target: ts.ScriptTarget.ES2022,
      lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts', 'lib.dom.d.ts'],
      module: ts.ModuleKind.NodeNext,
      moduleResolution: ts.ModuleResolutionKind.NodeNext,
      customConditions: ['@glovebox/source'],
      allowImportingTsExtensions: true,
      noEmit: true,
      skipLibCheck: true,
      strict: true,
      types: [],
    },
  )
  const checker = program.getTypeChecker()
  const found = new Map<string, PublicSymbol>()
  const errorsOf = createThrownErrors(ts, checker)
  const implementations = findImplementations(program, checker)

  function textOf(symbol: Compiler.Symbol): string {
    const tags = symbol.getJsDocTags(checker).map((tag) => `@${tag.name} ${ts.displayPartsToString(tag.text)}`)
    return [ts.displayPartsToString(symbol.getDocumentationComment(checker)), ...tags].join('\n').trim()
  }

  function isNumeric(declaration: Compiler.Declaration): boolean {
    const isProperty =
      ts.isPropertySignature(declaration) || ts.isPropertyDeclaration(declaration) || ts.isGetAccessor(declaration)
    if (!isProperty) return false
    const type = checker.getTypeAtLocation(declaration).getNonNullableType()
    const element = type.getNumberIndexType()
    const isNumber = (t: Compiler.Type): boolean => (t.flags & ts.TypeFlags.NumberLike) !== 0
    return isNumber(type) || (element !== undefined && checker.isArrayType(type) && isNumber(element))
  }

  function add(name: string, symbol: Compiler.Symbol): boolean {
    const declaration = symbol.declarations?.find((d) => d.getSourceFile().fileName.includes('/packages/'))
    if (declaration === undefined || declaration.getSourceFile().fileName.includes('/node_modules/')) return false
    const file = declaration.getSourceFile()
    const line = file.getLineAndCharacterOfPosition(declaration.getStart()).line + 1
    const where = `${relative(root, file.fileName)}:${line}`
    const key = `${where} ${name}`
    if (found.has(key)) return false
    const errors = new Set(symbol.declarations!.flatMap((d) => [...errorsOf(d)]))
    for (const node of implementations.get(declaration) ?? []) for (const error of errorsOf(node)) errors.add(error)
    found.set(key, { name, where, text: textOf(symbol), errors: [...errors], numeric: isNumeric(declaration) })
    return true
  }

  for (const entry of entries) {
    const file = program.getSourceFile(entry.source)
    const module = file && checker.getSymbolAtLocation(file)
    if (module === undefined) throw new Error(`${entry.name}: ${entry.source} is no module`)
    for (const exported of checker.getExportsOfModule(module)) {
      const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported
      if (!add(symbol.name, symbol)) continue
      const hasMembers = symbol.flags & (ts.SymbolFlags.Interface | ts.SymbolFlags.Class)
      if (!hasMembers) continue
      for (const [memberName, member] of symbol.members ?? []) {
        const text = String(memberName)
        // Constructors, index signatures and #private fields have mangled names.
        if (!text.startsWith('__')) add(`${symbol.name}.${text}`, member)
      }
    }
  }
  return [...found.values()]
}

/** The properties of object literals by the members of interfaces that they implement: `const api: Ckks = { add: … }`. */
function findImplementations(
  program: Compiler.Program,
  checker: Compiler.TypeChecker,
): ReadonlyMap<Compiler.Declaration, Compiler.Node[]> {
  const found = new Map<Compiler.Declaration, Compiler.Node[]>()
  const walk = (node: Compiler.Node): void => {
    if (ts.isObjectLiteralExpression(node)) {
      const type = checker.getContextualType(node)
      for (const property of node.properties) {
        const declaration = property.name && type?.getProperty(property.name.getText())?.declarations?.[0]
        if (declaration === undefined) continue
        const list = found.get(declaration) ?? []
        found.set(declaration, [...list, property])
      }
    }
    ts.forEachChild(node, walk)
  }
  for (const file of program.getSourceFiles())
    if (/\/packages\/[^/]+\/src\//.test(file.fileName) && !file.fileName.includes('/node_modules/')) walk(file)
  return found
}
