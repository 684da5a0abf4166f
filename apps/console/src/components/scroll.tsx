import type { ComponentChildren, JSX } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'

interface ScrollProps {
  /** What is inside, for readers of screens. */
  readonly label: string
  readonly class?: string
  readonly children: ComponentChildren
}

/** What may be wider than the page, or higher than its place. Where it is, the keyboard gets there too, to scroll it. */
export function Scroll({ label, class: name = '', children }: ScrollProps): JSX.Element {
  const area = useRef<HTMLDivElement>(null)
  const [wide, setWide] = useState(false)
  useEffect(() => {
    const element = area.current
    if (!element) return
    const look = (): void =>
      setWide(element.scrollWidth > element.clientWidth || element.scrollHeight > element.clientHeight)
    const observer = new ResizeObserver(look)
    observer.observe(element)
    for (const child of element.children) observer.observe(child)
    return () => observer.disconnect()
  }, [])
  return (
    <div ref={area} class={`scroll ${name}`} {...(wide && { tabIndex: 0, role: 'region', 'aria-label': label })}>
      {children}
    </div>
  )
}
