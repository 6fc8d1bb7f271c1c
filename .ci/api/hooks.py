"""Lets requests that are right by their form ask for what is there, about half of the time, so that they get further than to an
unknown name."""

import schemathesis
from schemathesis.core import NOT_SET
from schemathesis.generation import GenerationMode

ACCOUNTS = ("mall", "ann", "ben", "eve")
OFFERINGS = ("teapot", "vase")
NAMES = {name: ACCOUNTS for name in ("account", "recipient", "donor", "from", "issuer", "merchant", "to", "payee")}
NAMES |= {"offering": OFFERINGS}
AMOUNTS = ("amount", "deposit", "credit_limit", "price", "funded", "attached", "amount_max", "amount_max_per_use")
# What the institution or an operator sends; everything else is some account's.
INSTITUTION = ("/v1/accounts", "/deposits", "/cash-outs", "/credit-limit", "freeze", "register", "/release", "/void", "/close", "/password",
               "/remove")


def known(name, value, new=False):
    """A name that is there, or the value as it is; which of them follows from the value."""
    choice = sum(map(ord, str(value)))
    # A view that is called as what it shows is no name.
    if name in NAMES and isinstance(value, dict):
        return NAMES[name][0]
    if name in NAMES and isinstance(value, str) and choice % 2 and not (new and name in ("account", "offering")):
        return NAMES[name][choice // 2 % len(NAMES[name])]
    if name == "serial" and isinstance(value, int):
        return value % 50 + 1
    if name in AMOUNTS and isinstance(value, str) and choice % 4:
        return ("1.00", "2.00", "10.00")[choice % 3]
    if name.endswith("_at") and choice % 4:
        return None
    if name == "currency" and isinstance(value, str) and choice % 4:
        return "USD"
    return value


def better(value, name="", new=False):
    if isinstance(value, dict):
        return {name: better(inner, name, new) for name, inner in value.items()}
    if isinstance(value, list):
        return [better(inner, name, new) for inner in value]
    # To JSON Schema 3.0 is a whole number; whoever writes one writes 3.
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return known(name, value, new)


@schemathesis.hook
def before_call(context, case, kwargs):
    if case.meta is None or case.meta.generation.mode is not GenerationMode.POSITIVE:
        return
    if isinstance(case.path_parameters, dict):
        case.path_parameters = {name: known(name, value) for name, value in case.path_parameters.items()}
    # What is made anew keeps a name of its own.
    new = case.path in ("/v1/accounts", "/v1/offerings")
    if case.body is not NOT_SET and isinstance(case.body, (dict, list)):
        case.body = better(case.body, new=new)
    if case.method != "POST" or case.headers is None:
        return
    if case.path == "/v1/messages" or case.path.endswith(INSTITUTION):
        case.headers.pop("On-Behalf-Of", None)
    else:
        case.headers["On-Behalf-Of"] = ACCOUNTS[len(str(case.headers.get("On-Behalf-Of"))) % len(ACCOUNTS)]
