import type { ComponentChildren, JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'

export function navigate(path: string): void {
  history.pushState(null, '', path)
  dispatchEvent(new PopStateEvent('popstate'))
}

/** The path of the page, as parts that are decoded. */
export function useRoute(): readonly string[] {
  const [path, setPath] = useState(location.pathname)
  useEffect(() => {
    const changed = (): void => setPath(location.pathname)
    addEventListener('popstate', changed)
    return () => removeEventListener('popstate', changed)
  }, [])
  return path.split('/').filter(Boolean).map(decode)
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

export function modelPath(name: string, version?: string): string {
  const path = `/models/${encodeURIComponent(name)}`
  return version === undefined ? path : `${path}/versions/${encodeURIComponent(version)}`
}

interface LinkProps {
  readonly href: string
  readonly class?: string
  readonly 'aria-current'?: 'page' | undefined
  readonly children: ComponentChildren
}

/** A link within the page; with a modifier it is like any other. */
export function Link({ href, children, ...rest }: LinkProps): JSX.Element {
  const follow = (event: MouseEvent): void => {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return
    event.preventDefault()
    navigate(href)
  }
  return (
    <a href={href} onClick={follow} {...rest}>
      {children}
    </a>
  )
}
