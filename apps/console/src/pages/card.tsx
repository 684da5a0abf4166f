import DOMPurify from 'dompurify'
import type { JSX } from 'preact'
import { useEffect, useState } from 'preact/hooks'

const tags = 'h1 h2 h3 h4 h5 h6 p a ul ol li table thead tbody tr th td code pre em strong del blockquote hr br sup sub'

/** A model card. Whoever pushed it is not trusted: texts and tables only, no pictures, links without a way back. */
export function Card({ text }: { readonly text: string }): JSX.Element {
  const [html, setHtml] = useState<string>()
  useEffect(() => {
    let current = true
    render(text).then((made) => {
      if (current) setHtml(made)
    })
    return () => {
      current = false
    }
  }, [text])
  if (html === undefined) return <p role="status">Reading the card …</p>
  // It went through DOMPurify.
  return <div class="prose" dangerouslySetInnerHTML={{ __html: html }} />
}

async function render(text: string): Promise<string> {
  const { Marked } = await import('marked')
  // What is HTML already is left out before anything parses it: the page's policy would report it.
  const marked = new Marked({ gfm: true, renderer: { html: () => '', image: ({ text: instead }) => escaped(instead) } })
  const html = await marked.parse(text, { async: true })
  const fragment = DOMPurify.sanitize(html, {
    ALLOWED_TAGS: tags.split(' '),
    ALLOWED_ATTR: ['href', 'align', 'start'],
    ALLOWED_URI_REGEXP: /^https?:/i,
    RETURN_DOM_FRAGMENT: true,
  })
  // The page has its own first heading.
  for (const level of [5, 4, 3, 2, 1])
    for (const heading of fragment.querySelectorAll(`h${level}`)) rename(heading, `h${level + 1}`)
  for (const link of fragment.querySelectorAll('a')) {
    if (!link.hasAttribute('href')) link.replaceWith(...link.childNodes)
    else link.rel = 'noreferrer noopener'
  }
  for (const block of fragment.querySelectorAll('pre, table')) block.setAttribute('tabindex', '0')
  // Header cells of tables that have none to show.
  for (const cell of fragment.querySelectorAll('th')) if (cell.textContent.trim() === '') rename(cell, 'td')
  const holder = document.createElement('div')
  holder.append(fragment)
  return holder.innerHTML
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}

function rename(element: Element, name: string): void {
  const other = document.createElement(name)
  other.append(...element.childNodes)
  element.replaceWith(other)
}
