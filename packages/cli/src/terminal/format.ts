/** Bytes for people: 1,234 B, 12.3 KB, 4.5 MB; powers of ten. */
export function showBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`
  const [divisor, unit] = bytes < 1e6 ? [1e3, 'KB'] : bytes < 1e9 ? [1e6, 'MB'] : [1e9, 'GB']
  return `${round(bytes / divisor)} ${unit}`
}

export function showMs(ms: number): string {
  return ms < 10_000 ? `${round(ms)} ms` : `${round(ms / 1000)} s`
}

/** Three digits that count. */
function round(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)
}
