/**
 * A user name or mail address in the form in which two are the same: without white space around it, in lower case and NFC. That is UsernameCaseMapped of
 * RFC 8265, section 3.3, without its refusals and width mapping; mail providers' own rules (dots, what follows a plus) are not applied. It does not depend
 * on the locale, and is its own canonical form.
 * @throws RangeError where nothing is left; the message has no part of it.
 */
export function canonicalUser(text: string): string {
  const name = text.trim().normalize('NFC').toLowerCase().normalize('NFC')
  if (name === '') throw new RangeError('"user" expected one character or more, got none: leave it out')
  return name
}
