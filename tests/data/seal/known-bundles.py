# Fills bh, payload and segments of known-bundles.json from its inputs. Written
# from formats.md 1 on Python's cryptography package; shares nothing with lib/seal.
# Not run by the tests: python3 known-bundles.py known-bundles.json
import sys
import json,hmac,hashlib,struct
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.keywrap import aes_key_wrap
from cryptography.hazmat.primitives.serialization import Encoding,PublicFormat
def head(m,n):
    if n<24: return bytes([m<<5|n])
    if n<256: return bytes([m<<5|24,n])
    if n<65536: return bytes([m<<5|25])+struct.pack('>H',n)
    return bytes([m<<5|26])+struct.pack('>I',n)
def enc(x):
    if isinstance(x,bytes): return head(2,len(x))+x
    if isinstance(x,str): b=x.encode(); return head(3,len(b))+b
    if isinstance(x,int): return head(0,x)
    if isinstance(x,list): return head(4,len(x))+b''.join(map(enc,x))
    if isinstance(x,dict): return head(5,len(x))+b''.join(enc(k)+enc(v) for k,v in sorted(x.items()))
H=lambda k,m: hmac.new(k,m,hashlib.sha256).digest()
def expand(p,i,L):
    o=t=b'';c=1
    while len(o)<L: t=H(p,t+i+bytes([c]));o+=t;c+=1
    return o[:L]
K=b'KEM\0\x10';S=b'HPKE\0\x10\0\1\0\2'
LE=lambda s,salt,l,i: H(salt or bytes(32),b'HPKE-v1'+s+l+i)
LX=lambda s,p,l,i,L: expand(p,struct.pack('>H',L)+b'HPKE-v1'+s+l+i,L)
key=lambda h: ec.derive_private_key(int(h,16),ec.SECP256R1())
pub=lambda k: k.public_key().public_bytes(Encoding.X962,PublicFormat.UncompressedPoint)
f=sys.argv[1]
d=json.load(open(f))
d['comment']='Outputs were computed by known-bundles.py, not by lib/seal. Nothing here is a real secret.'
for c in d['bundles']:
    x=bytes.fromhex
    bs=x(c['bs'])
    b={1:"provctl-bundle-1",2:x(c['bundle_id']),3:c['device'],4:c['role'],5:c['seq'],6:[[p['id'],p['chunk'],len(p['plain'])//2] for p in c['sealed']],7:[],8:[c['kind'],x(c['key_id'])],9:x(c['manifest_sha256'])}
    B=enc(b); bh=hashlib.sha256(B).digest()
    if c['kind']==1:
        r,e=key(c['recipient']),key(c['ephemeral'])
        dh=e.exchange(ec.ECDH(),r.public_key()); ctx=pub(e)+pub(r)
        sh=LX(K,LE(K,b'',b'eae_prk',dh),b'shared_secret',ctx,32)
        info=b'provctl/seal-kem/v1\0'+bh
        sc=b'\0'+LE(S,b'',b'psk_id_hash',b'')+LE(S,b'',b'info_hash',info)
        sec=LE(S,sh,b'secret',b'')
        env=pub(e)+AESGCM(LX(S,sec,b'key',sc,32)).encrypt(LX(S,sec,b'base_nonce',sc,12),bs,b'')
    else: env=aes_key_wrap(x(c['kek']),bs)
    checks=[];segs=b''
    for i,p in enumerate(c['sealed']):
        o=expand(bs,b'provctl/seal/v1\0'+bh+struct.pack('>H',i),108)
        pt=x(p['plain']); checks.append([o[:32],H(o[76:],pt)])
        C=p['chunk'];N=-(-len(pt)//C)
        for k in range(N):
            n=(int.from_bytes(o[64:76],'big')^k).to_bytes(12,'big')
            aad=enc(["Encrypt0",x('a10103'),bh+struct.pack('>HIB',i,k,k==N-1)])
            ct=AESGCM(o[32:64]).encrypt(n,pt[k*C:(k+1)*C],aad)
            segs+=x('d08343a10103a10644')+struct.pack('>I',k)+enc(ct)
    c['bh']=bh.hex();c['payload']=(head(4,3)+B+enc(env)+enc(checks)).hex();c['segments']=segs.hex()
json.dump(d,open(f,'w'),indent=1); open(f,'a').write('\n')
