// Safari has no Symbol.dispose yet. By this symbol compilers and bundlers, too, make `using` work where it is missing.
for (const name of ['dispose', 'asyncDispose'] as const)
  if (Symbol[name] === undefined) Object.defineProperty(Symbol, name, { value: Symbol.for(`Symbol.${name}`) })
