"""Decides which fifty rules are measured: the same for ours and for dnsdist, of several kinds, and none fits a query of
the load. The last sends what is left to the one pool there is, as it would go without it."""

from __future__ import annotations

from typing import Final

COUNT: Final = 50


def ours() -> str:
    """The rules as tables of our configuration."""
    parts = []
    for number in range(COUNT - 1):
        looks = (
            f'suffixes = ["blocked-{number}.test"]',
            f'clients = ["10.{number}.0.0/16"]',
            f'names = ["host-{number}.test"]\ntypes = ["A"]',
            f'clients = ["192.168.{number}.0/24"]\nsuffixes = ["corp-{number}.test"]',
            f'types = ["TYPE{60_000 + number}"]',
        )[number % 5]
        parts.append(f'[[rules]]\n{looks}\naction = "refuse"\n')
    return "".join([*parts, '[[rules]]\naction = "resolve"\n'])


def dnsdist() -> str:
    """The same rules as dnsdist takes them."""
    lines = []
    for number in range(COUNT - 1):
        suffix = f'SuffixMatchNodeRule(smn{{"corp-{number}.test"}})'
        looks = (
            f'SuffixMatchNodeRule(smn{{"blocked-{number}.test"}})',
            f'NetmaskGroupRule(nmg{{"10.{number}.0.0/16"}})',
            f'AndRule({{QNameRule("host-{number}.test"), QTypeRule(1)}})',
            f'AndRule({{NetmaskGroupRule(nmg{{"192.168.{number}.0/24"}}), {suffix}}})',
            f"QTypeRule({60_000 + number})",
        )[number % 5]
        lines.append(f"addAction({looks}, RCodeAction(DNSRCode.REFUSED))\n")
    return "".join([_HELPERS, *lines, "addAction(AllRule(), AllowAction())\n"])


_HELPERS: Final = """\
function smn(names)
  local made = newSuffixMatchNode()
  for _, each in ipairs(names) do made:add(newDNSName(each)) end
  return made
end
function nmg(nets)
  local made = newNMG()
  for _, each in ipairs(nets) do made:addMask(each) end
  return made
end
"""
