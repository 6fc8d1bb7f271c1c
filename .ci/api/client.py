"""Shares and buys a teapot with a client that was made from the description of the API: client.py ADDRESS KEY."""

import sys

from hongbao_client import AuthenticatedClient
from hongbao_client.api.accounts import open_account, show_account
from hongbao_client.api.offerings import attach_commission, circulate, issue, publish, purchase_certificate
from hongbao_client.models.attach_commission_body import AttachCommissionBody
from hongbao_client.models.circulate_body import CirculateBody
from hongbao_client.models.information import Information
from hongbao_client.models.issue_body import IssueBody
from hongbao_client.models.offer import Offer
from hongbao_client.models.open_account_body import OpenAccountBody
from hongbao_client.models.publish_body import PublishBody
from hongbao_client.models.purchase_certificate_body import PurchaseCertificateBody
from hongbao_client.models.problem import Problem
from hongbao_client.models.terms import Terms

address, key = sys.argv[1:]
client = AuthenticatedClient(base_url=address, token=key)


def done(answer):
    assert answer is not None and not isinstance(answer, Problem), answer
    return answer


for account, deposit in (("py mall", "100.00"), ("py ann", "0"), ("py eve", "50.00")):
    body = OpenAccountBody(account=account, currency="USD", deposit=deposit)
    done(open_account.sync(client=client, body=body, idempotency_key=f"open {account}"))
information = Information(product_name="a teapot", settlement="at purchase")
offer = Offer(payee="py mall", price="10.00", currency="USD", items=1, information=information)
mall = {"client": client, "on_behalf_of": "py mall"}
done(issue.sync(**mall, body=IssueBody(offering="py teapot", offer=offer), idempotency_key="issue"))
terms = AttachCommissionBody(terms=Terms(funded="5.00", attached="2.00"), currency="USD")
done(attach_commission.sync("py teapot", **mall, body=terms, idempotency_key="attach"))
done(publish.sync("py teapot", **mall, body=PublishBody(), idempotency_key="publish"))
shared = done(circulate.sync("py teapot", client=client, body=CirculateBody(), on_behalf_of="py ann", idempotency_key="share"))
eve = {"client": client, "on_behalf_of": "py eve", "idempotency_key": "buy"}
bought = done(purchase_certificate.sync("py teapot", shared.serial, **eve, body=PurchaseCertificateBody()))
assert (bought.price, bought.commission.cashed) == ("10.00", "2.00"), bought
again = purchase_certificate.sync("py teapot", shared.serial, **eve, body=PurchaseCertificateBody())
assert again == bought, "the same key gives the same answer"
assert done(show_account.sync("py ann", client=client)).posted == "2.00"
wrong = open_account.sync(client=client, body=OpenAccountBody(account="py ann", currency="USD"), idempotency_key="other")
assert isinstance(wrong, Problem) and wrong.code == "name_taken", wrong
print("a client made from the description has shared and bought a teapot")
