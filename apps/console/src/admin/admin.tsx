import type { JSX } from 'preact'
import { useWhoami } from '../api/admin.ts'
import { aliasesOf, listModels } from '../api/models.ts'
import { useLoaded } from '../api/use.ts'
import { Scroll } from '../components/scroll.tsx'
import { Empty, When } from '../components/states.tsx'
import { plural } from '../format.ts'
import { Head } from '../pages/head.tsx'
import { Link } from '../router.tsx'
import { may } from '../session.ts'
import { AuditPage } from './audit.tsx'
import { ModelAdmin } from './model.tsx'
import { TokensPage } from './tokens.tsx'

/** All but the first are for administrators. */
const tabs = [
  ['models', 'Models'],
  ['tokens', 'Tokens'],
  ['audit', 'Audit log'],
] as const

export function adminPath(name: string): string {
  return `/admin/models/${encodeURIComponent(name)}`
}

/** Administration: the registry, tokens, who did what. */
export function AdminPage({ route }: { readonly route: readonly string[] }): JSX.Element {
  const [tab = 'models', name] = route
  const who = useWhoami()
  if (tab === 'models' && name !== undefined) return <ModelAdmin key={name} name={name} />
  return (
    <>
      <Head title={tab === 'tokens' ? 'Tokens' : tab === 'audit' ? 'Audit log' : 'Registry'} />
      <nav class="tabs" aria-label="Of administration">
        {tabs
          .filter(([id]) => id === 'models' || may(who))
          .map(([id, text]) => (
            <Link key={id} href={`/admin/${id}`} aria-current={tab === id ? 'page' : undefined}>
              {text}
            </Link>
          ))}
      </nav>
      {tab === 'tokens' ? <TokensPage /> : tab === 'audit' ? <AuditPage /> : <ModelList />}
    </>
  )
}

function ModelList(): JSX.Element {
  const models = useLoaded(listModels, [])
  return (
    <When of={models} what="the registry">
      {(list) =>
        list.length === 0 ? (
          <Empty title="The registry is empty">
            <p>
              <code>glovebox push</code> puts a model into it.
            </p>
          </Empty>
        ) : (
          <Scroll label="Models of the registry" class="sheet">
            <table class="table">
              <caption class="unseen">Models of the registry</caption>
              <thead>
                <tr>
                  <th scope="col">Model</th>
                  <th scope="col">Versions</th>
                  <th scope="col">Aliases</th>
                </tr>
              </thead>
              <tbody>
                {list.map((model) => (
                  <tr key={model.name}>
                    <th scope="row" class="wrap">
                      <Link href={adminPath(model.name)}>{model.name}</Link>
                    </th>
                    <td>{plural(model.versions.length, 'version')}</td>
                    <td>
                      <ul class="chips">
                        {model.versions.flatMap(({ version }) =>
                          aliasesOf(model, version).map((alias) => (
                            <li key={alias} class="chip gold">
                              @{alias} → {version}
                            </li>
                          )),
                        )}
                      </ul>
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </Scroll>
        )
      }
    </When>
  )
}
