import type { ComponentChildren, JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'

interface HeadProps {
  readonly title: string
  readonly children?: ComponentChildren
  readonly above?: ComponentChildren
}

/** What a page begins with. It takes the focus when somebody comes from another page, so that it is read out. */
export function Head({ title, above, children }: HeadProps): JSX.Element {
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    document.title = `${title} · Glovebox`
    if (cameFromElsewhere) heading.current?.focus()
    cameFromElsewhere = true
  }, [title])
  return (
    <header class="head">
      {above}
      <h1 ref={heading} tabIndex={-1}>
        {title}
      </h1>
      {children}
    </header>
  )
}

let cameFromElsewhere = false
