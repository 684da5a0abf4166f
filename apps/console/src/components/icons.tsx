import type { JSX } from 'preact'

// Drawn for this page; all are decoration beside a text.

type Icon = () => JSX.Element

const line = {
  fill: 'none',
  stroke: 'currentColor',
  'stroke-width': 1.8,
  'stroke-linecap': 'round',
  'stroke-linejoin': 'round',
} as const

/** A box with two holes for hands. */
export const Mark: Icon = () => (
  <svg viewBox="0 0 32 32" aria-hidden="true">
    <rect x="2" y="6" width="28" height="21" rx="5" fill="#16262e" stroke="#e3b554" stroke-opacity=".35" />
    <circle cx="11" cy="16.5" r="4.5" fill="none" stroke="#e3b554" stroke-width="2.5" />
    <circle cx="21" cy="16.5" r="4.5" fill="none" stroke="#e3b554" stroke-width="2.5" />
  </svg>
)

export const Key: Icon = () => (
  <svg viewBox="0 0 24 24" aria-hidden="true" {...line}>
    <circle cx="8" cy="15" r="4.2" />
    <path d="M11.200 12 19 4.200M16 7.200l2.600 2.600M13.500 9.700l1.800 1.800" />
  </svg>
)

export const Browser: Icon = () => (
  <svg viewBox="0 0 24 24" aria-hidden="true" {...line}>
    <rect x="3" y="4.500" width="18" height="15" rx="2.500" />
    <path d="M3 9h18M6.200 6.800h.01M8.700 6.800h.01" />
  </svg>
)

export const Server: Icon = () => (
  <svg viewBox="0 0 24 24" aria-hidden="true" {...line}>
    <rect x="4" y="4" width="16" height="6.500" rx="1.800" />
    <rect x="4" y="13.500" width="16" height="6.500" rx="1.800" />
    <path d="M7.500 7.250h.01M7.500 16.750h.01M11 7.250h5.500M11 16.750h5.500" />
  </svg>
)

/** A lock that was opened by somebody else. */
export const Found: Icon = () => (
  <svg viewBox="0 0 24 24" aria-hidden="true" {...line}>
    <rect x="4.500" y="10.500" width="15" height="10" rx="2.200" />
    <path d="M8 10.500V7.400a4 4 0 0 1 7.700-1.500M12 13.800v2M12 18.200h.01" />
  </svg>
)

/** A lock that holds. */
export const NotFound: Icon = () => (
  <svg viewBox="0 0 24 24" aria-hidden="true" {...line}>
    <rect x="4.500" y="10.500" width="15" height="10" rx="2.200" />
    <path d="M8 10.500V7.500a4 4 0 0 1 8 0v3M9.300 15.600l1.900 1.900 3.500-3.800" />
  </svg>
)

/** The box, closed, large. */
export const ClosedBox: Icon = () => (
  <svg viewBox="0 0 120 84" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="2">
    <rect x="10" y="16" width="100" height="58" rx="12" />
    <circle cx="42" cy="46" r="15" stroke="#f0c66b" stroke-width="3" />
    <circle cx="78" cy="46" r="15" stroke="#f0c66b" stroke-width="3" />
    <path d="M42 39v14M35 46h14M78 39v14M71 46h14" stroke-opacity=".35" stroke-linecap="round" />
    <path d="M26 16c0-6 4-9 10-9h48c6 0 10 3 10 9" stroke-opacity=".5" />
  </svg>
)
