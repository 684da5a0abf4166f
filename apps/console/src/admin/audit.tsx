import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { readAudit } from '../api/admin.ts'
import { useLoaded } from '../api/use.ts'
import { Scroll } from '../components/scroll.tsx'
import { Empty, When } from '../components/states.tsx'
import { showDate } from '../format.ts'

const page = 100
/** The service gives no more at once. */
const most = 1000

/** Who did what, newest first. */
export function AuditPage(): JSX.Element {
  const [limit, setLimit] = useState(page)
  const entries = useLoaded((signal) => readAudit(limit, signal), [limit])
  return (
    <When of={entries} what="the audit log">
      {(list) =>
        list.length === 0 ? (
          <Empty title="Nothing has happened yet">
            <p>Pushed models, set aliases, made tokens and refused requests will be listed here.</p>
          </Empty>
        ) : (
          <div class="stack">
            <Scroll label="Audit log, newest first" class="sheet">
              <table class="table small cards">
                <caption class="unseen">Audit log, newest first</caption>
                <thead>
                  <tr>
                    <th scope="col">When</th>
                    <th scope="col">Tenant</th>
                    <th scope="col">Did</th>
                    <th scope="col">To</th>
                    <th scope="col">Outcome</th>
                    <th scope="col">Request</th>
                  </tr>
                </thead>
                <tbody>
                  {list.map(({ at, tenant, action, object, outcome, request }, i) => (
                    <tr key={`${request} ${at} ${i}`}>
                      <th scope="row" class="number">
                        <time dateTime={new Date(at).toISOString()}>{showDate(at)}</time>
                      </th>
                      <td data-head="Tenant">{tenant}</td>
                      <td data-head="Did">{action}</td>
                      <td data-head="To" class="wrap">
                        {object}
                      </td>
                      <td data-head="Outcome">{outcome}</td>
                      <td data-head="Request">
                        <code>{request?.slice(0, 8) ?? '—'}</code>
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </Scroll>
            {list.length >= limit && limit < most && (
              <div>
                <button type="button" class="button" onClick={() => setLimit(limit + page)}>
                  Show more
                </button>
              </div>
            )}
          </div>
        )
      }
    </When>
  )
}
