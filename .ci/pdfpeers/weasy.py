#!/usr/bin/python3
"""usage: weasy.py DOCUMENTS REGULAR.ttf BOLD.ttf INVOICE.xml

Draws the page of internal/pdf's benchmark with WeasyPrint, warm, with the invoice attached (PDF/A is beyond version 57).
Prints the processor time of a document in nanoseconds and its size in bytes."""
import sys, time, pathlib, logging
import weasyprint
from weasyprint.text.fonts import FontConfiguration

logging.disable(logging.CRITICAL)
count, regular, bold, invoice = int(sys.argv[1]), *(pathlib.Path(p).resolve() for p in sys.argv[2:5])
style = """@font-face { font-family: Inter; src: url(%s); font-weight: 400 } @font-face { font-family: Inter; src: url(%s); font-weight: 600 }
@page { size: A4; margin: 50pt 56pt } body { font: 9pt Inter } h1 { font-size: 22pt; font-weight: 600 } td:not(:first-child) { text-align: right }
table { width: 100%% } tr { border-bottom: .5pt solid #d6dee6 } b, th { font-weight: 600 }""" % (regular.as_uri(), bold.as_uri())
line = "<tr><td><b>Softphone, 5 SIP accounts</b><br>With call recording<td>12 months<td>€25.00<td>€300.00"
page = """<!doctype html><html lang=en><title>VAT invoice SIP-2026-000123</title><h1>VAT invoice</h1><p>PVM sąskaita faktūra<p><b>Amount paid €1,089.00</b>
<p>Number SIP-2026-000123<br>Date of issue 23 November 2026<br>Payment received 23 November 2026<br>Order number O-2026-000123
<p>MB Pavyzdys<br>Gedimino pr. 1-2, LT-01103 Vilnius, Lithuania<br>Company code 119511515<br>VAT number LT119511515
<p>Žygimantė Ąžuolaitė<br>Хрещатик 22, Київ, Ukraine<br>Service period 23 November 2026 – 22 November 2027
<table><tr><th>Description<th>Quantity<th>Unit price<th>Net%s<tr><td>VAT LT 21%%<td><td>€900.00<td>€189.00<tr><td><b>Total</b><td><td><td>€1,089.00</table>
<p>IBAN LT12 1000 0111 0100 1000<br>Reference RF58 2026 0001 01<br>AB Pavyzdžio bankas""" % (line * 3)
fonts = FontConfiguration()
sheet = weasyprint.CSS(string=style, font_config=fonts)


def draw():
    attached = weasyprint.Attachment(filename=str(invoice), description="Factur-X")
    return weasyprint.HTML(string=page).write_pdf(stylesheets=[sheet], font_config=fonts, attachments=[attached])


size = len(draw())
began = time.process_time_ns()
for _ in range(count):
    size = len(draw())
print((time.process_time_ns() - began) // count, size)
