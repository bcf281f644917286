"""spandrel's networks that enlarge pictures; many take a scale of 1 too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from itrans_spandrel.generators import SpandrelGenerator


class SPAN(SpandrelGenerator):
    """SPAN: six convolution blocks with attention that has no parameters, fast (Wan et al., arXiv 2311.12770)."""


class Compact(SpandrelGenerator):
    """Compact: a plain row of convolutions, fast (SRVGGNetCompact of Real-ESRGAN, Wang et al., arXiv 2107.10833)."""


class SwiftSRGAN(SpandrelGenerator):
    """Swift-SRGAN: SRGAN's generator with depthwise separable convolutions (github.com/Koushik0901/Swift-SRGAN)."""


class ESRGAN(SpandrelGenerator):
    """ESRGAN: residual-in-residual dense blocks; of Real-ESRGAN and BSRGAN too (Wang et al., arXiv 1809.00219)."""

    @classmethod
    def channels(cls, in_channels: int, out_channels: int, given: Mapping[str, Any]) -> dict[str, int]:
        """Return the numbers of channels: `shuffle_factor` makes many small planes of what goes in."""
        return {"in_nc": in_channels * (given.get("shuffle_factor") or 1) ** 2, "out_nc": out_channels}


class RCAN(SpandrelGenerator):
    """RCAN: residual groups with attention over channels (Zhang et al., arXiv 1807.02758)."""


class SwinIR(SpandrelGenerator):
    """SwinIR: Swin transformer blocks, for any restoration (Liang et al., arXiv 2108.10257)."""


class Swin2SR(SpandrelGenerator):
    """Swin2SR: SwinIR of Swin transformer V2 blocks (Conde et al., arXiv 2209.11345)."""


class HAT(SpandrelGenerator):
    """HAT: windowed and channel attention, with overlapping windows (Chen et al., arXiv 2205.04437)."""


class GRL(SpandrelGenerator):
    """GRL: attention over stripes, windows and channels (Li et al., arXiv 2303.00748)."""


class DAT(SpandrelGenerator):
    """DAT: attention over places and over channels in turn (Chen et al., arXiv 2308.03364)."""


class RGT(SpandrelGenerator):
    """RGT: attention to the whole picture by recursive summaries of it (Chen et al., arXiv 2303.06373)."""


class ATD(SpandrelGenerator):
    """ATD: attention to a dictionary that the picture refines (Zhang et al., arXiv 2401.08209)."""


class DRCT(SpandrelGenerator):
    """DRCT: Swin transformer blocks with dense connections (Hsu et al., arXiv 2404.00722)."""


class CRAFT(SpandrelGenerator):
    """CRAFT: windowed attention beside convolutions for fine detail (Li et al., arXiv 2308.05022)."""


class OmniSR(SpandrelGenerator):
    """Omni-SR: attention over places and channels at once (Wang et al., arXiv 2304.10244)."""


class DITN(SpandrelGenerator):
    """DITN: an unfolded optimisation with transformer layers (Liu et al., arXiv 2308.02794)."""


class DCTLSA(SpandrelGenerator):
    """DCTLSA: densely connected transformer blocks with linear attention (github.com/zengkun301/DCTLSA)."""


class SAFMN(SpandrelGenerator):
    """SAFMN: modulates features by coarser ones, small (Sun et al., arXiv 2302.13800)."""


class PLKSR(SpandrelGenerator):
    """PLKSR: large kernels over a part of the channels (Lee et al., arXiv 2404.11848)."""


class RealPLKSR(SpandrelGenerator, architecture_name="PLKSR"):
    """RealPLKSR: PLKSR with group norm, for real pictures (github.com/neosr-project/neosr)."""


class SeemoRe(SpandrelGenerator):
    """SeemoRe: chooses among small experts at each place (Zamfir et al., arXiv 2402.03412)."""

    def takes_batches(self) -> bool:
        """Whether the network takes several pictures at once: only in training do they choose experts by themselves."""
        return self.training


class MoSR(SpandrelGenerator):
    """MoSR: a row of gated convolution blocks (github.com/umzi2/MoSR)."""


class MoESR(SpandrelGenerator):
    """MoESR: gated convolution blocks in groups (github.com/umzi2/MoESR)."""


class FDAT(SpandrelGenerator):
    """FDAT: attention over places and over channels in turn, fast (github.com/stinkybread/FDAT)."""


class MMRealSR(SpandrelGenerator):
    """MM-RealSR: estimates blur and noise, and restores accordingly (Mou et al., arXiv 2205.05065)."""


class RealCUGAN2x(SpandrelGenerator, architecture_name="RealCUGAN", network="UpCunet2x"):
    """Real-CUGAN: two small U-Nets, for drawings, twice as large (github.com/bilibili/ailab)."""


class RealCUGAN3x(SpandrelGenerator, architecture_name="RealCUGAN", network="UpCunet3x"):
    """Real-CUGAN, three times as large."""


class RealCUGAN4x(SpandrelGenerator, architecture_name="RealCUGAN", network="UpCunet4x"):
    """Real-CUGAN, four times as large."""


class RealCUGAN2xFast(SpandrelGenerator, architecture_name="RealCUGAN", network="UpCunet2x_fast"):
    """Real-CUGAN, twice as large, at half the resolution within."""


class IPT(SpandrelGenerator):
    """IPT: a transformer for patches of one size, which it puts together (Chen et al., arXiv 2012.00364)."""

    def takes_batches(self) -> bool:
        """Whether the network takes several pictures at once: the patches of one are a batch already."""
        return False
