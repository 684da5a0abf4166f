/**
 * Node 20 knows relaxed SIMD but keeps it behind a V8 flag. Sets it and says whether that was possible. The module is asked for at run time, so that no
 * bundler sees an import of Node.
 */
export function enableRelaxedSimd(): boolean {
  const process = (globalThis as { process?: NodeProcess }).process
  const v8 = process?.getBuiltinModule?.('node:v8')
  if (v8?.setFlagsFromString === undefined) return false
  v8.setFlagsFromString('--experimental-wasm-relaxed-simd')
  return true
}

interface NodeProcess {
  getBuiltinModule?: (id: 'node:v8') => { setFlagsFromString?: (flags: string) => void } | undefined
}
