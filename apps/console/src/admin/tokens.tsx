import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { createToken, listTokens, revokeToken, type TokenInfo } from '../api/admin.ts'
import { useLoaded } from '../api/use.ts'
import { Confirm } from '../components/confirm.tsx'
import { Dialog } from '../components/dialog.tsx'
import { Scroll } from '../components/scroll.tsx'
import { Empty, When } from '../components/states.tsx'
import { Field, Submit, textOf } from '../components/submit.tsx'
import { showDate } from '../format.ts'

const scopes = [
  ['predict', 'use models and upload keys'],
  ['push', 'register models and versions'],
  ['admin', 'all of it: tokens, audit log, metrics'],
] as const

const day = 86_400

export function TokensPage(): JSX.Element {
  const tokens = useLoaded(listTokens, [])
  const [made, setMade] = useState<{ readonly name: string; readonly token: string }>()
  const create = async (form: FormData): Promise<void> => {
    const days = Number(textOf(form, 'days'))
    const name = textOf(form, 'name')
    const { token } = await createToken({
      tenant: textOf(form, 'tenant'),
      name,
      scopes: form.getAll('scopes').map(String),
      ...(days > 0 && { expires_in: days * day }),
    })
    setMade({ name, token })
    tokens.reload()
  }
  return (
    <div class="stack">
      <When of={tokens} what="the tokens">
        {(list) =>
          list.length === 0 ? (
            <Empty title="There are no tokens yet">
              <p>Make one for every program or person that comes from elsewhere.</p>
            </Empty>
          ) : (
            <TokenTable tokens={list} onRevoke={(id) => revokeToken(id).then(tokens.reload)} />
          )
        }
      </When>
      {tokens.error === undefined && (
        <section class="sheet stack-s" aria-labelledby="new-token">
          <h2 id="new-token">A new token</h2>
          <Submit class="stack-s token-form" action="Make the token" done="The token is made." run={create}>
            <div class="inline-form">
              <Field id="token-name" name="name" label="What it is for" required />
              <Field
                id="token-tenant"
                name="tenant"
                label="Tenant"
                required
                pattern="[a-z0-9\-]{1,63}"
                title="1 to 63 of a to z, 0 to 9 and -"
              />
              <div class="field">
                <label for="token-days">Ends</label>
                <select id="token-days" name="days" class="input">
                  <option value="30">in 30 days</option>
                  <option value="90">in 90 days</option>
                  <option value="365">in a year</option>
                  <option value="0">never</option>
                </select>
              </div>
            </div>
            <fieldset class="plain">
              <legend class="label">It may</legend>
              {scopes.map(([scope, what]) => (
                <label class="check" key={scope}>
                  <input type="checkbox" name="scopes" value={scope} defaultChecked={scope === 'predict'} />
                  <span>
                    <strong>{scope}</strong>: {what}
                  </span>
                </label>
              ))}
            </fieldset>
          </Submit>
        </section>
      )}
      {made && (
        <Dialog title={`The token “${made.name}”`} onClose={() => setMade(undefined)}>
          <p>Copy it now. It is shown this once: the service keeps a digest of it only.</p>
          <code class="secret-once" data-testid="token">
            {made.token}
          </code>
          <div class="actions">
            <Copy text={made.token} />
            <button type="button" class="button main-action" onClick={() => setMade(undefined)}>
              I have it
            </button>
          </div>
        </Dialog>
      )}
    </div>
  )
}

interface TokenTableProps {
  readonly tokens: readonly TokenInfo[]
  readonly onRevoke: (id: string) => Promise<unknown>
}

function TokenTable({ tokens, onRevoke }: TokenTableProps): JSX.Element {
  return (
    <Scroll label="Tokens" class="sheet">
      <table class="table">
        <caption class="unseen">Tokens</caption>
        <thead>
          <tr>
            <th scope="col">For</th>
            <th scope="col">Tenant</th>
            <th scope="col">May</th>
            <th scope="col">Made</th>
            <th scope="col">Ends</th>
            <td />
          </tr>
        </thead>
        <tbody>
          {tokens.map(({ id, name, tenant, scopes: may, created, expires, revoked }) => (
            <tr key={id}>
              <th scope="row" class="wrap">
                {name}
              </th>
              <td>{tenant}</td>
              <td>{may.join(', ')}</td>
              <td>{showDate(created)}</td>
              <td>{revoked ? `revoked ${showDate(revoked)}` : expires ? showDate(expires) : 'never'}</td>
              <td class="number">
                {!revoked && (
                  <Confirm label="Revoke" title={`Revoke “${name}”?`} action="Revoke it" run={() => onRevoke(id)}>
                    Whatever uses it is refused from now on. This cannot be taken back.
                  </Confirm>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  )
}

function Copy({ text }: { readonly text: string }): JSX.Element {
  const [copied, setCopied] = useState(false)
  const copy = async (): Promise<void> => {
    await navigator.clipboard?.writeText(text)
    setCopied(true)
  }
  return (
    <>
      <span role="status" class="small soft">
        {copied ? 'Copied.' : ''}
      </span>
      <button type="button" class="button" onClick={copy}>
        Copy
      </button>
    </>
  )
}
