import type { JSX } from 'preact'
import {
  deleteTag,
  deleteVersion,
  describeVersion,
  type RegisteredVersion,
  setStage,
  setTag,
  stages,
} from '../api/registry.ts'
import { Confirm } from '../components/confirm.tsx'
import { Submit, textOf } from '../components/submit.tsx'
import { showDate } from '../format.ts'
import { Link, modelPath } from '../router.tsx'
import { Tags } from './tags.tsx'

interface VersionAdminProps {
  readonly version: RegisteredVersion
  readonly after: (work: Promise<unknown>) => Promise<void>
}

/** One version: its files do not change, what is said of it does. */
export function VersionAdmin({ version: one, after }: VersionAdminProps): JSX.Element {
  const { name, version, description, current_stage: stage = 'None', source, tags = [], creation_timestamp } = one
  const id = `version-${version}`
  return (
    <article class="version stack-s" aria-labelledby={`${id}-title`}>
      <div class="row spread">
        <div class="row">
          <h3 id={`${id}-title`}>Version {version}</h3>
          <span class="small soft">pushed {showDate(creation_timestamp)}</span>
          <Link href={modelPath(name, version)} class="small">
            Try it<span class="unseen">: version {version}</span>
          </Link>
        </div>
        <div class="row">
          {stage !== 'None' && <span class="small soft">stage {stage}</span>}
          <Confirm
            label="Delete"
            title={`Delete version ${version} of ${name}?`}
            action="Delete it for good"
            run={() => after(deleteVersion(name, version))}
          >
            Aliases that point at it are gone with it. This cannot be taken back.
          </Confirm>
        </div>
      </div>
      {description && <p class="soft">{description}</p>}
      <details>
        <summary>
          Description, tags and stage<span class="unseen"> of version {version}</span>
        </summary>
        <div class="stack">
          <Submit
            key={description}
            class="stack-s"
            action="Save"
            done="The description is saved."
            run={(form) => after(describeVersion(name, version, textOf(form, 'description')))}
          >
            <div class="field">
              <label for={`${id}-description`}>Description of version {version}</label>
              <textarea id={`${id}-description`} name="description" class="input" defaultValue={description ?? ''} />
            </div>
          </Submit>
          <Tags
            of={`version ${version}`}
            id={id}
            tags={tags}
            onSet={(key, value) => after(setTag(name, version, key, value))}
            onDelete={(key) => after(deleteTag(name, version, key))}
          />
          <div class="row">
            <label class="label" for={`${id}-stage`}>
              Stage<span class="unseen"> of version {version}</span>
            </label>
            <select
              id={`${id}-stage`}
              class="input version-select"
              value={stage}
              onChange={(event) => after(setStage(name, version, event.currentTarget.value))}
            >
              {[...new Set([...stages, stage])].map((text) => (
                <option key={text} value={text}>
                  {text}
                </option>
              ))}
            </select>
            <span class="small soft">
              A label of MLflow: clients ask for aliases, and a stage changes nothing here.
            </span>
          </div>
          {source && (
            <p class="small soft">
              Manifest <code class="wrap">{source}</code>
            </p>
          )}
        </div>
      </details>
    </article>
  )
}
