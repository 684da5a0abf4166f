import type { JSX } from 'preact'
import { useCallback } from 'preact/hooks'
import {
  deleteAlias,
  deleteModel,
  deleteTag,
  describeModel,
  grant,
  permissionsOf,
  type RegisteredModel,
  type RegisteredVersion,
  registeredModel,
  registeredVersions,
  setAlias,
  setTag,
  withdraw,
} from '../api/registry.ts'
import { useLoaded } from '../api/use.ts'
import { Confirm } from '../components/confirm.tsx'
import { When } from '../components/states.tsx'
import { Field, Submit, textOf } from '../components/submit.tsx'
import { plural, showDate } from '../format.ts'
import { Head } from '../pages/head.tsx'
import { Link, modelPath, navigate } from '../router.tsx'
import { Tags } from './tags.tsx'
import { VersionAdmin } from './version.tsx'

/** Everything about a model of the registry that can be changed. */
export function ModelAdmin({ name }: { readonly name: string }): JSX.Element {
  const loaded = useLoaded(
    async (signal) => {
      const [model, versions] = await Promise.all([registeredModel(name, signal), registeredVersions(name, signal)])
      return { model, versions }
    },
    [name],
  )
  const reload = loaded.reload
  const after = useCallback(
    async (work: Promise<unknown>): Promise<void> => {
      await work
      reload()
    },
    [reload],
  )
  return (
    <>
      <Head
        title={name}
        above={
          <p class="crumbs">
            <Link href="/admin/models">Registry</Link>
          </p>
        }
      >
        <p>
          <Link href={modelPath(name)}>Its page for predictions</Link>
        </p>
      </Head>
      <When of={loaded} what="this model of the registry" ghosts={2}>
        {({ model, versions }) => (
          <div class="stack">
            <div class="admin-grid">
              <About model={model} after={after} />
              <Aliases model={model} versions={versions} after={after} />
            </div>
            <section class="sheet stack" aria-labelledby="versions-title">
              <h2 id="versions-title">{plural(versions.length, 'version')}</h2>
              {versions.map((version) => (
                <VersionAdmin key={version.version} version={version} after={after} />
              ))}
            </section>
            <div class="admin-grid">
              <Permissions name={name} />
              <section class="sheet stack-s" aria-labelledby="delete-title">
                <h2 id="delete-title">Delete</h2>
                <p class="soft">Deletes the model with all its versions. Clients that use it get errors at once.</p>
                <div>
                  <Confirm
                    label="Delete this model"
                    title={`Delete ${name}?`}
                    action="Delete it for good"
                    word={name}
                    run={async () => {
                      await deleteModel(name)
                      navigate('/admin/models')
                    }}
                  >
                    All {plural(versions.length, 'version')}, aliases and tags are gone then. This cannot be taken back.
                  </Confirm>
                </div>
              </section>
            </div>
          </div>
        )}
      </When>
    </>
  )
}

type After = (work: Promise<unknown>) => Promise<void>

function About({ model, after }: { readonly model: RegisteredModel; readonly after: After }): JSX.Element {
  const { name, description, tags = [], creation_timestamp, last_updated_timestamp } = model
  return (
    <section class="sheet stack" aria-labelledby="about-title">
      <h2 id="about-title">About</h2>
      <Submit
        key={description}
        class="stack-s"
        action="Save"
        done="The description is saved."
        run={(form) => after(describeModel(name, textOf(form, 'description')))}
      >
        <div class="field">
          <label for="model-description">Description</label>
          <textarea id="model-description" name="description" class="input" defaultValue={description ?? ''} />
        </div>
      </Submit>
      <Tags
        of={name}
        id="model"
        tags={tags}
        onSet={(key, value) => after(setTag(name, undefined, key, value))}
        onDelete={(key) => after(deleteTag(name, undefined, key))}
      />
      <p class="small soft">
        Made {showDate(creation_timestamp)}, changed {showDate(last_updated_timestamp)}
      </p>
    </section>
  )
}

interface AliasesProps {
  readonly model: RegisteredModel
  readonly versions: readonly RegisteredVersion[]
  readonly after: After
}

function Aliases({ model: { name, aliases = [] }, versions, after }: AliasesProps): JSX.Element {
  return (
    <section class="sheet stack" aria-labelledby="aliases-title">
      <h2 id="aliases-title">Aliases</h2>
      <p class="soft small">
        Names that clients ask for. <code>production</code> is what they get when they name no version. A stage is a
        label of MLflow: it changes nothing here.
      </p>
      {aliases.length > 0 && (
        <table class="table">
          <caption class="unseen">Aliases of {name}</caption>
          <thead>
            <tr>
              <th scope="col">Alias</th>
              <th scope="col">Version</th>
              <td />
            </tr>
          </thead>
          <tbody>
            {aliases.map(({ alias, version }) => (
              <tr key={alias}>
                <th scope="row">@{alias}</th>
                <td>{version}</td>
                <td class="number">
                  <Confirm
                    label="Remove"
                    title={`Remove @${alias}?`}
                    action="Remove it"
                    run={() => after(deleteAlias(name, alias))}
                  >
                    Clients that ask for @{alias} get an error until it is set again.
                  </Confirm>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <Submit
        action="Set alias"
        done="The alias is set."
        run={(form) => after(setAlias(name, textOf(form, 'alias'), textOf(form, 'version')))}
      >
        <Field id="alias-name" name="alias" label="Alias" required />
        <div class="field">
          <label for="alias-version">Version</label>
          <select id="alias-version" name="version" class="input">
            {versions.map(({ version }) => (
              <option key={version} value={version}>
                {version}
              </option>
            ))}
          </select>
        </div>
      </Submit>
    </section>
  )
}

function Permissions({ name }: { readonly name: string }): JSX.Element {
  const permissions = useLoaded((signal) => permissionsOf(name, signal), [name])
  const after: After = async (work) => {
    await work
    permissions.reload()
  }
  return (
    <section class="sheet stack" aria-labelledby="permissions-title">
      <h2 id="permissions-title">Who may use it</h2>
      <When of={permissions} what="who may use it">
        {(list) =>
          list.length === 0 ? (
            <p class="soft">Only the tenant that owns it.</p>
          ) : (
            <table class="table">
              <caption class="unseen">Tenants that may use {name}</caption>
              <thead>
                <tr>
                  <th scope="col">Tenant</th>
                  <th scope="col">May</th>
                  <td />
                </tr>
              </thead>
              <tbody>
                {list.map(({ tenant, permission }) => (
                  <tr key={tenant}>
                    <th scope="row">{tenant === '*' ? 'everybody' : tenant}</th>
                    <td>{permission === 'READ' ? 'predict with it' : permission.toLowerCase()}</td>
                    <td class="number">
                      <Confirm
                        label="Withdraw"
                        title={`Withdraw it from ${tenant === '*' ? 'everybody' : tenant}?`}
                        action="Withdraw it"
                        run={() => after(withdraw(name, tenant))}
                      >
                        The model is as if it were not there for them then.
                      </Confirm>
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          )
        }
      </When>
      <Submit action="Grant" done="It is granted." run={(form) => after(grant(name, textOf(form, 'tenant')))}>
        <Field id="grant-tenant" name="tenant" label="Tenant, or * for everybody" required />
      </Submit>
    </section>
  )
}
