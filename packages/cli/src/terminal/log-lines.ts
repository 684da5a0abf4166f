/** What a service logs, for people at a terminal: a line an event, without what only programs ask for. Takes the JSON lines of its log. */
export function showLogLine(json: string): string {
  let line: { level?: unknown; msg?: unknown; err?: { message?: unknown } }
  try {
    line = JSON.parse(json)
  } catch {
    return json
  }
  const { level, msg, err } = line
  const name = Number(level) >= 50 ? 'error' : Number(level) >= 40 ? 'warning' : undefined
  const said = [msg, err?.message].filter((text) => typeof text === 'string' && text !== '')
  // What clients sent may be in it: nothing of the terminal is changed.
  const text = [...new Set(said)].join(': ').replace(/\p{Cc}+/gu, ' ')
  return `${name === undefined ? '' : `${name}: `}${text}\n`
}
