"""Octets of MM7 that stand written out, with where they come from."""

from __future__ import annotations

from typing import Final

SPACE: Final = "http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-6-MM7-1-4"

# 3GPP TS 23.140, 8.7.1: the elements of SubmitReq in the order of the specification's example, and
# TransactionID in the SOAP header, mustUnderstand. Subject with what XML must escape (2.4).
SUBMIT: Final = (
    '<?xml version="1.0" encoding="utf-8"?>\n'
    '<env:Envelope xmlns:env="http://schemas.xmlsoap.org/soap/envelope/"><env:Header>'
    f'<TransactionID xmlns="{SPACE}" env:mustUnderstand="1">clips-1</TransactionID>'
    "</env:Header><env:Body>"
    f'<SubmitReq xmlns="{SPACE}"><MM7Version>6.8.0</MM7Version>'
    "<SenderIdentification><VASPID>800001</VASPID><VASID>clips</VASID>"
    "<SenderAddress><Number>1069000919</Number></SenderAddress></SenderIdentification>"
    "<Recipients><To><Number>13900000001</Number></To></Recipients>"
    "<ServiceCode>free</ServiceCode><DeliveryReport>true</DeliveryReport>"
    "<Subject>夏&amp;装</Subject>"
    '<Content href="cid:c@assent" allowAdaptations="true"/>'
    "</SubmitReq></env:Body></env:Envelope>"
).encode()

# The same example and RFC 2387: multipart/related, the envelope first, named by `start`; the
# content as a MIME entity of its own behind it.
POST: Final = (
    b'--mT\r\nContent-Type: text/xml; charset="utf-8"\r\nContent-ID: <mm7-envelope>\r\n\r\n'
    b"<x/>\r\n--mT\r\nContent-Type: text/plain\r\n\r\nhi\r\n--mT--\r\n"
)
POST_TYPE: Final = 'multipart/related; boundary="mT"; type="text/xml"; start="<mm7-envelope>"'

# SOAP 1.1, 4.4: an error answer is the detail of a SOAP fault.
FAULT: Final = (
    '<?xml version="1.0" encoding="utf-8"?>\n'
    '<env:Envelope xmlns:env="http://schemas.xmlsoap.org/soap/envelope/"><env:Header>'
    f'<TransactionID xmlns="{SPACE}" env:mustUnderstand="1">t</TransactionID>'
    "</env:Header><env:Body><env:Fault><faultcode>env:Client</faultcode>"
    "<faultstring>Client error</faultstring><detail>"
    f'<RSErrorRsp xmlns="{SPACE}"><MM7Version>6.8.0</MM7Version>'
    "<Status><StatusCode>2007</StatusCode><StatusText>Message format corrupt</StatusText></Status>"
    "</RSErrorRsp></detail></env:Fault></env:Body></env:Envelope>"
).encode()

# Below: requests as other sides write them, after the specification's own example
# (release 5 and 6 differ in namespace and version; the children of its elements have no namespace,
# a header line is folded, and the content is multipart/mixed), and after what centres publish.
SPEC_TYPE: Final = (
    'multipart/related; boundary="NextPart_000_0028_01C19839.84698430"; type=text/xml;\r\n'
    '\tstart="</tnn-200102/mm7-submit>"'
)
SPEC_SUBMIT: Final = b"""--NextPart_000_0028_01C19839.84698430\r
Content-Type:text/xml; charset="utf-8"\r
Content-ID: </tnn-200102/mm7-submit>\r
\r
<?xml version="1.0" ?>
<env:Envelope xmlns:env="http://schemas.xmlsoap.org/soap/envelope/">
  <env:Header>
    <mm7:TransactionID xmlns:mm7="http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-5-MM7-1-0"
      env:mustUnderstand="1">
      vas00001-sub
    </mm7:TransactionID>
  </env:Header>
  <env:Body>
    <mm7:SubmitReq xmlns:mm7="http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-5-MM7-1-0">
      <MM7Version>5.3.0</MM7Version>
      <SenderIdentification><VASPID>TNN</VASPID><VASID>News</VASID></SenderIdentification>
      <Recipients>
        <To>
          <Number>7255441234</Number>
          <RFC2822Address displayOnly="true">7255442222@OMMS.com</RFC2822Address>
        </To>
        <Cc><Number>7255443333</Number></Cc>
        <Bcc><RFC2822Address>7255444444@OMMS.com</RFC2822Address></Bcc>
      </Recipients>
      <ServiceCode>gold-sp33-im42</ServiceCode>
      <LinkedID>mms00016666</LinkedID>
      <MessageClass>Informational</MessageClass>
      <ExpiryDate>P90D</ExpiryDate>
      <DeliveryReport>True</DeliveryReport>
      <Priority>Normal</Priority>
      <Subject>News for today</Subject>
      <Content href="cid:SaturnPics-01020930@news.tnn.com" allowAdaptations="true"/>
    </mm7:SubmitReq>
  </env:Body>
</env:Envelope>\r
--NextPart_000_0028_01C19839.84698430\r
Content-Type: multipart/mixed;\r
 boundary="StoryParts-74526-8432-2002-77645"\r
Content-ID: <SaturnPics-01020930@news.tnn.com>\r
\r
--StoryParts-74526-8432-2002-77645\r
Content-Type: text/plain; charset="us-ascii"\r
\r
Science news, new Saturn pictures...\r
--StoryParts-74526-8432-2002-77645\r
Content-Type: image/gif;\r
Content-ID: <saturn.gif>\r
Content-Transfer-Encoding: base64\r
\r
R0lGODdhA\r
AAA\r
--StoryParts-74526-8432-2002-77645--\r
\r
--NextPart_000_0028_01C19839.84698430--\r
"""

REPORT: Final = b"""<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<soap-env:Envelope xmlns:soap-env="http://schemas.xmlsoap.org/soap/envelope/" xmlns="http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-6-MM7-1-4">
<soap-env:Header><TransactionID soap-env:mustUnderstand="1">10000001</TransactionID>
</soap-env:Header>
<soap-env:Body><DeliveryReportReq><MM7Version>6.8.0</MM7Version>
<MessageID>369500617770864640</MessageID>
<Recipient><Number>+8613900000001/TYPE=PLMN</Number></Recipient>
<Sender><Number>111122</Number></Sender>
<Date>2015-03-16T14:03:51.749Z</Date>
<MMStatus>Retrieved</MMStatus><StatusText>Success</StatusText>
<UACapabilities UAProf="x"/></DeliveryReportReq></soap-env:Body></soap-env:Envelope>"""
