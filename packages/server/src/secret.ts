import { inspect } from 'node:util'

/** A text that is shown nowhere: not in logs, not in JSON, not by `inspect`. */
export interface Secret {
  /** The text itself. */
  reveal(): string
}

class HiddenText implements Secret {
  readonly #text: string
  constructor(text: string) {
    this.#text = text
  }
  reveal(): string {
    return this.#text
  }
  toString(): string {
    return '[secret]'
  }
  toJSON(): string {
    return '[secret]'
  }
  [inspect.custom](): string {
    return '[secret]'
  }
}

/** The text, hidden. */
export function hide(text: string): Secret {
  return new HiddenText(text)
}
