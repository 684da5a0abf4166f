// Which errors a function states in its own text, in the checks that it calls (require…) and in helpers of its own file: not all that it can throw, but
// what its author knew of. What is caught again does not count.
import type * as Compiler from 'typescript'

type Api = typeof Compiler

/** Names of the errors of a declaration: RangeError, TypeError, or the code of a GloveboxError. */
export type ThrownErrors = (declaration: Compiler.Node) => ReadonlySet<string>

export function createThrownErrors(ts: Api, checker: Compiler.TypeChecker): ThrownErrors {
  const known = new Map<Compiler.Node, Set<string>>()

  function declarationOf(name: Compiler.Node): Compiler.Node | undefined {
    let symbol = checker.getSymbolAtLocation(name)
    if (symbol && symbol.flags & ts.SymbolFlags.Alias) symbol = checker.getAliasedSymbol(symbol)
    return symbol?.valueDeclaration
  }

  /** The function behind a declaration: of a variable its value, of a function wrapped by another (`tracedFunction`) what was wrapped. */
  function implementation(node: Compiler.Node | undefined): Compiler.Node | undefined {
    if (node === undefined || (ts.isFunctionLike(node) && 'body' in node)) return node
    if (ts.isVariableDeclaration(node) || ts.isPropertyAssignment(node)) return implementation(node.initializer)
    if (ts.isCallExpression(node)) return implementation(node.arguments.at(-1))
    if (ts.isIdentifier(node) || ts.isPropertyAccessExpression(node)) {
      const declaration = declarationOf(node)
      const isValue = declaration && (ts.isFunctionDeclaration(declaration) || ts.isVariableDeclaration(declaration))
      return isValue ? implementation(declaration) : undefined
    }
    return undefined
  }

  function nameOf(error: Compiler.Expression): string | undefined {
    if (ts.isNewExpression(error)) {
      const name = error.expression.getText()
      const code = error.arguments?.[0]
      if (name === 'GloveboxError') return code && ts.isStringLiteral(code) ? code.text : undefined
      return name === 'RangeError' || name === 'TypeError' ? name : undefined
    }
    const isMalformed = ts.isCallExpression(error) && /\.malformed$/.test(error.expression.getText())
    return isMalformed ? 'malformed' : undefined
  }

  /** A function that has a name counts where it is called, a method of a value that is made not for who makes it; what is passed on is run. */
  function isApart(node: Compiler.Node): boolean {
    if (ts.isFunctionDeclaration(node) || ts.isMethodDeclaration(node) || ts.isAccessor(node)) return true
    if (!ts.isArrowFunction(node) && !ts.isFunctionExpression(node)) return false
    return ts.isVariableDeclaration(node.parent) || ts.isPropertyAssignment(node.parent)
  }

  /** `const { ring } = value; requireRing(ring, 'value', value)` asks of what kind it is, and no more. */
  function takesOwnRing({ arguments: [ring, ...others] }: Compiler.CallExpression): boolean {
    const declaration = ring && ts.isIdentifier(ring) ? declarationOf(ring) : undefined
    if (!declaration || !ts.isBindingElement(declaration)) return false
    const owner = declaration.parent.parent
    return ts.isVariableDeclaration(owner) && others.some((other) => other.getText() === owner.initializer?.getText())
  }

  function collect(node: Compiler.Node, into: Set<string>): void {
    if (isApart(node)) return
    if (ts.isTryStatement(node) && node.catchClause) {
      collect(node.catchClause, into)
      if (node.finallyBlock) collect(node.finallyBlock, into)
      // `catch (error) { …; throw error }` lets through what was thrown.
      if (/throw (error|cause)\b/.test(node.catchClause.getText())) collect(node.tryBlock, into)
      return
    }
    if (ts.isThrowStatement(node)) {
      const name = nameOf(node.expression)
      if (name !== undefined) into.add(name)
    }
    if (ts.isCallExpression(node)) {
      const called = declarationOf(
        ts.isPropertyAccessExpression(node.expression) ? node.expression.name : node.expression,
      )
      const isOwn = called?.getSourceFile() === node.getSourceFile()
      if (called && (isOwn || /^require[A-Z]/.test(node.expression.getText())))
        for (const name of of(called)) if (name !== 'parameters-mismatch' || !takesOwnRing(node)) into.add(name)
    }
    ts.forEachChild(node, (child) => collect(child, into))
  }

  function of(declaration: Compiler.Node): Set<string> {
    const node = implementation(declaration)
    if (node === undefined) return new Set()
    let errors = known.get(node)
    if (errors === undefined) {
      errors = new Set()
      known.set(node, errors)
      ts.forEachChild(node, (child) => collect(child, errors!))
    }
    return errors
  }
  return of
}
