import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { SetKind } from '../api/sets.ts'
import type { Item } from './types.ts'

/** What somebody asks for. */
export interface Question {
  /** One thing, in the forms that a list may have it in. */
  readonly items: readonly Item[]
  /** What may stand on the screen. */
  readonly shown: string
  /** How long it is, where it is secret. */
  readonly characters: number
}

interface AskProps {
  readonly kind: SetKind
  readonly onChange: (question: Question | undefined) => void
}

/** Fields for an item of this kind of set. */
export function Ask({ kind, onChange }: AskProps): JSX.Element {
  const [user, setUser] = useState('')
  const [secret, setSecret] = useState('')
  const change = (nextUser: string, next: string): void => {
    setUser(nextUser)
    setSecret(next)
    onChange(questionOf(kind, nextUser, next))
  }
  if (kind === 'domains' || kind === 'bytes')
    return (
      <div class="field">
        <label for="item">{kind === 'domains' ? 'Domain' : 'What you look for'}</label>
        <input
          id="item"
          class="input"
          autocomplete="off"
          autocapitalize="off"
          spellcheck={false}
          value={secret}
          placeholder={kind === 'domains' ? 'example.org' : undefined}
          aria-describedby="item-hint"
          onInput={(event) => change('', event.currentTarget.value)}
        />
        <span class="hint" id="item-hint">
          It stays in this browser.
        </span>
      </div>
    )
  return (
    <div class="stack-s">
      {kind === 'credentials' && (
        <div class="field">
          <label for="user">User name or mail address</label>
          <input
            id="user"
            class="input"
            autocomplete="off"
            autocapitalize="off"
            spellcheck={false}
            value={user}
            onInput={(event) => change(event.currentTarget.value, secret)}
          />
        </div>
      )}
      <Secret value={secret} onInput={(next) => change(user, next)} />
      <fieldset class="plain">
        <legend class="label">or take one of these</legend>
        <div class="choices">
          {['123456', 'letmein', 'trustno1'].map((known) => (
            <button key={known} type="button" class="choice" onClick={() => change(user, known)}>
              <code>{known}</code>
            </button>
          ))}
          <button type="button" class="choice" onClick={() => change(user, randomPassword())}>
            a new, random one
          </button>
        </div>
      </fieldset>
    </div>
  )
}

interface SecretProps {
  readonly value: string
  readonly onInput: (value: string) => void
}

/** A password, hidden until somebody wants to see it. */
function Secret({ value, onInput }: SecretProps): JSX.Element {
  const [shown, setShown] = useState(false)
  return (
    <div class="field">
      <label for="secret">Password</label>
      <div class="secret">
        <input
          id="secret"
          class="input mono"
          type={(shown ? 'text' : 'password') as 'password'}
          autocomplete="off"
          autocapitalize="off"
          spellcheck={false}
          value={value}
          aria-describedby="secret-hint"
          onInput={(event) => onInput(event.currentTarget.value)}
        />
        <button
          type="button"
          class="button tiny"
          aria-pressed={shown}
          aria-controls="secret"
          onClick={() => setShown(!shown)}
        >
          {shown ? 'Hide' : 'Show'}
          <span class="unseen"> the password</span>
        </button>
      </div>
      <span class="hint" id="secret-hint">
        It stays in this tab: it is sent nowhere and kept nowhere.
      </span>
    </div>
  )
}

function questionOf(kind: SetKind, user: string, secret: string): Question | undefined {
  const text = secret.trim()
  switch (kind) {
    case 'domains':
      return text === '' ? undefined : { items: [text], shown: text, characters: text.length }
    case 'bytes':
      return text === '' ? undefined : { items: [new TextEncoder().encode(text)], shown: text, characters: text.length }
    case 'passwords':
      return secret === '' ? undefined : { items: formsOf(secret), shown: dots, characters: lengthOf(secret) }
    case 'credentials':
      return secret === '' || user.trim() === ''
        ? undefined
        : {
            items: formsOf(secret).map((password) => ({ user, password })),
            shown: `${user.trim()}, ${dots}`,
            characters: lengthOf(secret),
          }
  }
}

/** As it is, and composed where that is something else: keyboards differ in how they write é. */
function formsOf(secret: string): string[] {
  return [...new Set([secret, secret.normalize('NFC')])]
}

function lengthOf(text: string): number {
  return [...text].length
}

/** As many for every password: who looks over a shoulder learns no length. */
const dots = '••••••••'

/** 20 characters of 64: 120 bits. */
function randomPassword(): string {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  return Array.from(crypto.getRandomValues(new Uint8Array(20)), (byte) => letters[byte & 63]).join('')
}
