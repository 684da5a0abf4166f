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

/** A text in lines of at most so many characters, broken at spaces; breaks of its own stay. */
export function wrap(text: string, width: number): string {
  return text
    .split('\n')
    .map((line) => {
      const lines = ['']
      for (const word of line.split(' ')) {
        const longer = lines.at(-1) === '' ? word : `${lines.at(-1)} ${word}`
        if (longer.length <= width || lines.at(-1) === '') lines[lines.length - 1] = longer
        else lines.push(word)
      }
      return lines.join('\n')
    })
    .join('\n')
}

/** 1234567 as 1,234,567. */
export function showCount(count: number): string {
  return count.toLocaleString('en-GB')
}

/** No more than so many characters; what is cut off is an ellipsis. */
export function shorten(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, width - 1).trimEnd()}…`
}

/** A day, in UTC: 2026-03-01. */
export function showDate(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10)
}
