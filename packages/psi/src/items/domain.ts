/** White space, what ends a host in a URL, a port, brackets, escapes: none of it is in a domain. */
const forbidden = /[\s/\\?#@:%[\]]/

/** Longest name, without the dot at its end (RFC 1035, section 2.3.4; RFC 1123, section 2.1). */
const maxLength = 253

/**
 * A domain in the form in which two are the same: what the URL standard makes of a host, in ASCII (IDNA by UTS 46, `xn--` labels), in lower case, without
 * the dot at its end. An IPv4 address comes out in four decimal numbers. Nothing is said about domains above or below: ask for each.
 * @throws RangeError for what is no host, or has a scheme, port or path; the message has no part of it.
 */
export function canonicalDomain(text: string): string {
  const trimmed = text.trim()
  const host = forbidden.test(trimmed) ? undefined : hostOf(trimmed)?.replace(/\.$/, '')
  if (host === undefined || host.length > maxLength || host.split('.').includes(''))
    throw new RangeError(
      '"domain" expected a host name such as example.org, without scheme, port or path, got another text',
    )
  return host
}

function hostOf(text: string): string | undefined {
  const url = `http://${text}`
  return URL.canParse(url) ? new URL(url).hostname : undefined
}
